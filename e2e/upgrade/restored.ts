import { EntityManager } from '@mikro-orm/postgresql';
import { createHash } from 'node:crypto';
import { connectNats } from '#libs/broker';
import { TestClock } from '#libs/database';
import { Encryption } from '#libs/platform';
import { withClient } from '#libs/local-servers';
import { sql } from 'kysely';
import { databaseFor, PARTS, type Contents } from '../support/foundation.js';
import { System } from '../support/system.js';
import { restoreBroker, type BrokerDump } from './dump/jetstream.js';
import { restoreDatabase } from './dump/postgres.js';
import { schemaOf } from './dump/schema.js';
import { RecordingFiles, type Facts } from './recording.js';

/** Starts today's services on a recording, with the clock at the moment at which it was taken. */
export async function upgraded(version: string): Promise<{ system: System; facts: Facts }> {
  const files = new RecordingFiles(version);
  const facts = await files.facts();
  const broker = JSON.parse(await files.broker()) as BrokerDump;
  const dumps = new Map<string, string>();
  for (const service of facts.services) dumps.set(service, await files.database(service));
  // A service that is newer than the recording begins with an empty database.
  const dumpOf = (service: string) => dumps.get(service) ?? '';
  const contents: Contents = {
    fillDatabase: (service, ownerUrl) => withClient(ownerUrl, (client) => restoreDatabase(client, dumpOf(service))),
    fingerprint: (service) => createHash('sha256').update(dumpOf(service)).digest('hex'),
    async fillBroker(url) {
      const nats = await connectNats({ url, name: 'restore' });
      await restoreBroker(nats, broker);
      await nats.close();
    },
    settings: facts.secrets,
  };
  const clock = new TestClock();
  clock.advance(Date.parse(facts.takenAt) - clock.millis());
  return { system: await System.start({ contents, clock }), facts };
}

/** The statements that would make the tables of a service as they are after the upgrade. */
export const upgradedSchema = (system: System, service: string): Promise<string[]> =>
  statementsOf(system.databaseUrl(service));

/** The same for a new database. */
export async function freshSchema(service: string): Promise<string[]> {
  const database = await databaseFor(PARTS.find(({ name }) => name === service)!);
  try {
    return await statementsOf(database.adminUrl);
  } finally {
    await database.drop();
  }
}

async function statementsOf(url: string): Promise<string[]> {
  const { before, after } = await withClient(url, schemaOf);
  return [...before, ...after].filter((statement) => !statement.startsWith('select setval'));
}

/** The decrypted password of an import source. */
export async function importSourcePassword(system: System, id: string): Promise<string> {
  const { app } = system.services.get('contacts')!;
  const { rows } = await sql<{ password: string; account_id: string }>`
    select password, account_id from import_source where id = ${id}`.execute(
    app.get(EntityManager, { strict: false }).fork().getKysely(),
  );
  const [{ password, account_id: account } = { password: '', account_id: '' }] = rows;
  return app.get(Encryption, { strict: false }).decrypt(password, account);
}
