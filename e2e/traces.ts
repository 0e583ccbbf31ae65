import { EntityManager } from '@mikro-orm/postgresql';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats } from '#libs/broker';
import { sql } from 'kysely';
import type { System } from './system.js';

/** Where in the whole system the given words still stand: rows of any table, messages of any stream or bucket, log lines. */
export async function traces(system: System, words: string): Promise<string[]> {
  return [...(await inTables(system, words)), ...(await inStreams(system, words)), ...inLogs(system, words)];
}

async function inTables(system: System, words: string): Promise<string[]> {
  const found: string[] = [];
  for (const [name, { app }] of system.services) {
    if (name === 'gateway') continue;
    const db = app.get(EntityManager, { strict: false }).fork().getKysely();
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'migration'`.execute(db);
    for (const { name: table } of tables.rows) {
      const { rows } =
        await sql`select 1 from ${sql.table(table)} t where t::text ilike ${`%${words}%`} limit 1`.execute(db);
      if (rows.length > 0) found.push(`${name}.${table}`);
    }
  }
  return found;
}

async function inStreams(system: System, words: string): Promise<string[]> {
  const nats = await connectNats({ url: system.brokerUrl('identity'), name: 'traces' });
  try {
    const found: string[] = [];
    const manager = await jetstreamManager(nats);
    for await (const { config, state } of manager.streams.list()) {
      if (state.messages === 0) continue;
      const consumer = await jetstream(nats).consumers.get(config.name);
      for await (const message of await consumer.fetch({ max_messages: state.messages, expires: 2_000 })) {
        const text = `${message.subject} ${new TextDecoder().decode(message.data)}`;
        if (text.toLowerCase().includes(words.toLowerCase())) found.push(`stream ${config.name}`);
        if (message.info.pending === 0) break;
      }
    }
    return found;
  } finally {
    await nats.close();
  }
}

function inLogs(system: System, words: string): string[] {
  return system.logged.filter((line) => line.includes(words)).map((line) => `log: ${line}`);
}
