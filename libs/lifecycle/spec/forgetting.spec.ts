import { sql } from 'kysely';
import type { DepartureFacts, UserEvent } from '#libs/contracts';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { RETRY_DELAYS_MS } from '#libs/jobs';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { desk } from './desk.js';

/** Records the users that it is asked to forget, and the staff ids in the directory at that time. */
class RecordingForgetting extends Forgetting {
  override readonly needsAddresses = true;
  readonly deleted: DeletedPerson[] = [];
  readonly known: (string | null)[] = [];
  broken = false;

  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    const { rows } = await sql<{ staff_id: string | null }>`
      select staff_id from directory where user_id = any(${deleted.map(({ userId }) => userId)}::uuid[])`.execute(db);
    if (this.broken) await sql`select 1 / 0`.execute(db);
    this.deleted.push(...deleted);
    this.known.push(...rows.map((row) => row.staff_id));
  }
}

describe('data stored without the user’s id', () => {
  const forgetting = new RecordingForgetting();
  let bench: RuleBench;
  let robin: Person;
  beforeAll(async () => {
    bench = await RuleBench.open({ ...desk, forgetting });
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    forgetting.deleted.length = forgetting.known.length = 0;
    robin = await bench.person({ profile: { staffId: 'S-Robin' } });
  });

  const deletion = (person = robin, departure: Partial<DepartureFacts> = {}) =>
    bench.leaving(person, 'deleted', {}, { lifecycleVersion: 3, departure });
  const garbled = ({ accountId, userId }: Person) => ({
    subject: `user.updated.${accountId}.${userId}`,
    data: '{"name',
  });
  const deliver = (...messages: (UserEvent | ReturnType<typeof garbled>)[]) =>
    bench.events.handle(
      messages.map((message, index) => {
        const { subject, data } = message;
        const text = typeof data === 'string' ? data : JSON.stringify(message);
        return { subject, data: new TextEncoder().encode(text), streamSequence: index + 1, deliveries: 1 };
      }),
    );
  const deadLetters = async ({ userId }: Person) => {
    const { rows } = await sql<{ data: Buffer }>`
      select data from dead_letter where subject like ${`%${userId}`} order by id`.execute(bench.em().getKysely());
    return rows.map(({ data }) => data.toString());
  };

  it('is forgotten on a deletion only, before the directory erases the profile', async () => {
    await deliver(bench.leaving(robin, 'deactivated', {}, { profile: { staffId: 'S-Robin' } }));
    expect(forgetting.deleted).toEqual([]);
    const departureId = bench.ids.next();
    bench.addresses.digests.set(departureId, 'a digest');
    await deliver(deletion(robin, { id: departureId, hasAddress: true }));
    const identifiers = [{ salt: departureId, digests: ['a digest'] }];
    expect(forgetting.deleted).toEqual([
      { ...robin, staffIds: ['S-Robin'], departureId, addressDigest: 'a digest', identifiers },
    ]);
    expect(forgetting.known).toEqual(['S-Robin']);
  });

  it('is forgotten with the address in the events of identity 0.1', async () => {
    const former: Partial<DepartureFacts> & { addressDigest: string } = { addressDigest: 'a former digest' };
    await deliver(deletion(robin, former));
    expect(forgetting.deleted).toMatchObject([{ userId: robin.userId, addressDigest: 'a former digest' }]);
  });

  it('is forgotten with the digests of what the user was called before', async () => {
    const id = bench.ids.next();
    const others = [
      { salt: id, digests: ['a staff id'] },
      { salt: bench.ids.next(), digests: ['a name'] },
    ];
    bench.addresses.others.set(id, others);
    await deliver(deletion(robin, { id, hasAddress: true }));
    expect(forgetting.deleted).toMatchObject([{ userId: robin.userId, identifiers: others }]);
  });

  it('is not forgotten without the address while identity is down: the event is delivered again', async () => {
    const id = bench.ids.next();
    bench.addresses.digests.set(id, 'a digest');
    bench.addresses.away = true;
    const event = deletion(robin, { id, hasAddress: true });
    await expect(deliver(event)).rejects.toThrow('transient');
    expect(forgetting.deleted).toEqual([]);
    bench.addresses.away = false;
    await deliver(event);
    expect(forgetting.deleted).toMatchObject([{ userId: robin.userId, addressDigest: 'a digest' }]);
  });

  it('is forgotten with the address by a retry, also if identity was down in between', async () => {
    const id = bench.ids.next();
    bench.addresses.digests.set(id, 'a digest');
    forgetting.broken = true;
    await deliver(deletion(robin, { id, hasAddress: true }));
    forgetting.broken = false;
    bench.addresses.away = true;
    bench.clock.advance(RETRY_DELAYS_MS[0]!);
    await bench.retries.drain();
    expect(forgetting.deleted).toEqual([]);
    bench.addresses.away = false;
    bench.clock.advance(RETRY_DELAYS_MS[1]!);
    await bench.retries.drain();
    expect(forgetting.deleted).toMatchObject([{ userId: robin.userId, addressDigest: 'a digest' }]);
  });

  it('is forgotten for a user who is created and deleted within one batch', async () => {
    const brief = { accountId: robin.accountId, userId: bench.ids.next() };
    const profile = { staffId: 'S-Brief' };
    await deliver(bench.event('user.created', brief, { seq: 1, lifecycleVersion: 1, profile }), deletion(brief));
    expect(forgetting.deleted).toMatchObject([{ ...brief, staffIds: ['S-Brief'] }]);
  });

  it('is forgotten by a retry if forgetting fails; until then the user has the status deleted', async () => {
    forgetting.broken = true;
    const other = await bench.person();
    await deliver(deletion(), bench.leaving(other, 'deactivated', {}));
    const receipts = () => bench.receipts.all.filter(({ userId }) => userId === robin.userId);
    const known = async () => {
      const { rows } = await sql`
        select status, staff_id from directory where user_id = ${robin.userId}`.execute(bench.em().getKysely());
      return rows;
    };
    expect(bench.receipts.all.find(({ userId }) => userId === other.userId)).toMatchObject({ status: 'completed' });
    expect(receipts()).toMatchObject([{ status: 'running', error: '22012' }]);
    expect(await known()).toEqual([{ status: 'deleted', staff_id: 'S-Robin' }]);
    forgetting.broken = false;
    bench.clock.advance(RETRY_DELAYS_MS[0]!);
    await bench.retries.drain();
    expect(receipts().at(-1)).toMatchObject({ status: 'completed' });
    expect(forgetting.deleted).toMatchObject([{ userId: robin.userId, staffIds: ['S-Robin'] }]);
    expect(await known()).toEqual([{ status: 'deleted', staff_id: null }]);
  });

  it('is erased from dead letters about the user, also from later ones; those about others stay', async () => {
    const other = await bench.person();
    await deliver(garbled(robin), garbled(other), deletion());
    await deliver(garbled(robin));
    expect(await deadLetters(robin)).toEqual(['', '']);
    expect(await deadLetters(other)).toEqual(['{"name']);
  });
});
