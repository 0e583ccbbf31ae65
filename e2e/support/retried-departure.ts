import { EntityManager } from '@mikro-orm/postgresql';
import { connectNats } from '#libs/broker';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import type { Api } from './api.js';
import type { Departure } from './departures.js';
import type { System } from './system.js';

/** Creates a departure that has failed, because of a forged receipt of insights, and retries it. @returns the retried departure */
export async function retriedDeparture(system: System, owner: Api, userId: string): Promise<Departure> {
  const db = system.services.get('insights')!.app.get(EntityManager, { strict: false }).fork();
  return db.transactional(async (em) => {
    // The lock keeps insights from answering, so that the test can answer in its place.
    await sql`lock table inbox in exclusive mode`.execute(em.getKysely());
    const { id } = await owner.post(`/v1/users/${userId}/deactivate`);
    const nats = await connectNats({ url: system.brokerUrl('insights'), name: 'test' });
    const ids = { accountId: userId, userId, departureId: id, type: 'user.deactivated' };
    const receipt = { ...ids, seq: 0, lifecycleVersion: 2, round: 0, status: 'failed', error: 'test', rules: [] };
    nats.publish('departure.receipt.insights', JSON.stringify({ service: 'insights', receipts: [receipt] }));
    await nats.close();
    await eventually(async () => expect((await owner.get(`/v1/departures/${id as string}`)).status).toBe('failed'));
    return owner.post<Departure>(`/v1/departures/${id as string}/retry`);
  });
}
