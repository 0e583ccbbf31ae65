import { EntityManager } from '@mikro-orm/postgresql';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '#libs/broker';
import { sql } from 'kysely';
import type { System } from '../system.js';

/**
 * Searches the whole system for any of these words: all tables, streams, buckets and log lines. Ignores case, and finds words
 * as they are and encoded in URLs, forms and JSON.
 * @returns the places where a word was found
 */
export async function traces(system: System, words: string | readonly string[]): Promise<string[]> {
  const spelled = new RegExp([words].flat().flatMap(spellings).map(literally).join('|'), 'i');
  const found = await Promise.all([inTables(system, spelled), inStreams(system, spelled)]);
  return [...found.flat(), ...inLogs(system, spelled)];
}

function spellings(word: string): string[] {
  const inUrl = encodeURIComponent(word);
  return [...new Set([word, inUrl, inUrl.replaceAll('%20', '+'), JSON.stringify(word).slice(1, -1)])];
}

const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

async function inTables(system: System, words: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const [name, { app }] of system.services) {
    if (name === 'gateway') continue;
    const db = app.get(EntityManager, { strict: false }).fork().getKysely();
    const tables = await sql<{ name: string; bytes: string[] }>`
      select table_name as name, array(
        select column_name::text from information_schema.columns c
        where c.table_schema = 'public' and c.table_name = t.table_name and c.data_type = 'bytea') as bytes
      from information_schema.tables t
      where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'migration'`.execute(db);
    for (const { name: table, bytes } of tables.rows) {
      // JSON shows bytea as hexadecimal digits. Text in it is found only if it is converted to text.
      const columns = bytes.map((column) => sql`encode(${sql.ref(column)}, 'escape')`);
      const { rows } = await sql<{ text: string }>`
        select ${sql.join([sql`row_to_json(t)::text`, ...columns], sql` || ' ' || `)} as text
        from ${sql.table(table)} t`.execute(db);
      if (rows.some(({ text }) => words.test(text))) found.push(`${name}.${table}`);
    }
  }
  return found;
}

/** Includes key-value buckets, which are streams whose subjects are the keys. */
async function inStreams(system: System, words: RegExp): Promise<string[]> {
  const nats = await connectNats({ url: system.brokerUrl('identity-streams'), name: 'traces' });
  try {
    const found: string[] = [];
    const manager = await jetstreamManager(nats);
    for await (const { config, state } of manager.streams.list()) {
      if (state.messages === 0) continue;
      const consumer = await jetstream(nats).consumers.get(config.name);
      for await (const message of await consumer.fetch({ max_messages: state.messages, expires: 2_000 })) {
        const text = `${message.subject} ${String(message.headers)} ${new TextDecoder().decode(message.data)}`;
        if (words.test(text)) found.push(`stream ${config.name}`);
        if (message.info.pending === 0) break;
      }
    }
    return found;
  } finally {
    await nats.close();
  }
}

function inLogs(system: System, words: RegExp): string[] {
  return system.logged.filter((line) => words.test(line)).map((line) => `log: ${line}`);
}
