import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { schemaOf } from './schema.js';

const END_OF_DATA = '\\.';
const COPY = /^copy .* from stdin;$/;

/**
 * Dumps a database as SQL, like pg_dump does: tables, rows as COPY blocks, then constraints, indexes, views and sequences.
 * Owners and grants are left out; they follow from the role that restores the dump.
 * @throws Error when the database has an object that this can't reproduce
 */
export async function dumpDatabase(client: pg.Client): Promise<string> {
  const { tables, before, after } = await schemaOf(client);
  const rows: string[] = [];
  for (const { name, columns, primaryKey } of tables) {
    const [table, list] = [pg.escapeIdentifier(name), columns.map(pg.escapeIdentifier).join(', ')];
    // The physical order differs after a restore. In the order of the key two dumps can be compared.
    const order = primaryKey.map(pg.escapeIdentifier).join(', ') || `${table}::text`;
    const data = await textOf(client.query(copyTo(`copy (select ${list} from ${table} order by ${order}) to stdout`)));
    if (data !== '') rows.push(`copy ${table} (${list}) from stdin;\n${data}${END_OF_DATA}\n`);
  }
  return [...before, ...rows, ...after].join('\n');
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Restores a dump of `dumpDatabase` into an empty database. @param client becomes the owner of the tables */
export async function restoreDatabase(client: pg.Client, dump: string): Promise<void> {
  const lines = dump.split('\n');
  let statements: string[] = [];
  const runStatements = async () => {
    if (statements.some((line) => line !== '')) await client.query(statements.join('\n'));
    statements = [];
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    if (!COPY.test(line)) {
      statements.push(line);
      continue;
    }
    await runStatements();
    const end = lines.indexOf(END_OF_DATA, index);
    const rows = lines.slice(index + 1, end).map((row) => `${row}\n`);
    await pipeline(Readable.from([rows.join('')]), client.query(copyFrom(line)));
    index = end;
  }
  await runStatements();
}
