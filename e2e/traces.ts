import { EntityManager } from '@mikro-orm/postgresql';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '#libs/broker';
import { sql } from 'kysely';
import type { System } from './system.js';

/**
 * Where in the whole system any of these words still stands: rows of any table, messages of any stream or bucket, log
 * lines. Case does not matter; a word is found as it is, in a URL, in a form and in JSON.
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
      // Bytes show as hexadecimal digits; text in them is found only when they are written as text.
      const columns = bytes.map((column) => sql`encode(${sql.ref(column)}, 'escape')`);
      const { rows } = await sql<{ text: string }>`
        select ${sql.join([sql`row_to_json(t)::text`, ...columns], sql` || ' ' || `)} as text
        from ${sql.table(table)} t`.execute(db);
      if (rows.some(({ text }) => words.test(text))) found.push(`${name}.${table}`);
    }
  }
  return found;
}

/** Key-value buckets are streams, too: their keys are the subjects. */
async function inStreams(system: System, words: RegExp): Promise<string[]> {
  const nats = await connectNats({ url: system.brokerUrl('identity'), name: 'traces' });
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
