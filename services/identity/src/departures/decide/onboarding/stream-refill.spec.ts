import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { DEPARTURES, ensureStream, NATS, USERS } from '#libs/broker';
import {
  allOfUser,
  userSubject,
  type Departure,
  type Principal,
  type UserEvent,
  type UserEventType,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { StreamRefillWorker } from './stream-refill.worker.js';

const WEEK = 7 * 86_400_000;

describe('a broker that has lost its data', () => {
  let departures: TestDepartures;
  let identity: TestIdentity;
  let manager: JetStreamManager;
  let owner: Principal;
  beforeAll(async () => {
    departures = await TestDepartures.start();
    ({ identity } = departures);
    manager = await jetstreamManager(identity.service.app.get<NatsConnection>(NATS, { strict: false }));
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    await refill();
  });
  afterAll(() => departures.stop());

  const refill = () => identity.get(StreamRefillWorker).drain();
  const lose = async () => {
    for (const stream of [USERS, DEPARTURES]) {
      await manager.streams.delete(stream.name);
      await ensureStream(manager, stream);
    }
  };
  const subjectsOf = async (userId: string): Promise<string[]> => {
    const { state } = await manager.streams.info(USERS.name, { subjects_filter: allOfUser(owner.accountId, userId) });
    return Object.keys(state.subjects ?? {});
  };
  const lastOf = async (type: UserEventType, userId: string): Promise<UserEvent> => {
    const message = await manager.streams.getMessage(USERS.name, {
      last_by_subj: userSubject(type, owner.accountId, userId),
    });
    return message!.json<UserEvent>();
  };
  const completed = (departure: Departure) => departures.until(owner, departure, 'completed');
  const rounds = () => identity.query(sql`select id, round, status from departure order by id`);

  it('gets the newest decision about each user of the last week again, deletions as tombstones', async () => {
    const aUserId = async () => (await identity.aUser(owner)).id;
    const [early, gone, away, back] = [await aUserId(), await aUserId(), await aUserId(), await aUserId()];
    await completed(await departures.deactivate(owner, early));
    identity.clock.advance(WEEK);
    const deletion = await completed(await departures.delete(owner, gone));
    await completed(await departures.deactivate(owner, away));
    await completed(await departures.deactivate(owner, back));
    await completed(await departures.reactivate(owner, back));
    const before = await rounds();
    await lose();
    await refill();
    expect(await subjectsOf(early)).toEqual([]);
    expect(await subjectsOf(gone)).toEqual([userSubject('user.deleted', owner.accountId, gone)]);
    expect(await lastOf('user.deleted', gone)).toMatchObject({
      tombstone: true,
      data: { lifecycleVersion: 2, departure: { id: deletion.id }, profile: { name: null } },
    });
    expect(await lastOf('user.deactivated', away)).toMatchObject({ data: { lifecycleVersion: 2 } });
    expect(await subjectsOf(back)).toEqual([userSubject('user.reactivated', owner.accountId, back)]);
    expect(await rounds()).toEqual(before);
  });

  it('gets them once', async () => {
    const count = async () => (await manager.streams.info(USERS.name)).state.last_seq;
    const { id } = await identity.aUser(owner);
    await completed(await departures.delete(owner, id));
    await lose();
    await refill();
    await eventually(async () => expect(await subjectsOf(id)).toHaveLength(1));
    const once = await count();
    await refill();
    expect(await count()).toBe(once);
  });
});
