import { sql } from 'kysely';
import type { Receipt, ResolvedRules, UserEvent } from '#libs/contracts';
import type { Outcome } from '#libs/broker';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { eventually } from '#libs/test-kit';
import { desk, Thing } from './desk.js';

export const unassignChairs: ResolvedRules = {
  'desk.chairs': { deactivated: { action: 'unassign' }, deleted: { action: 'unassign' } },
};
export const keepChairs: ResolvedRules = {
  'desk.chairs': { deactivated: { action: 'keep' }, deleted: { action: 'unassign' } },
};
export const trap: ResolvedRules = { 'desk.traps': { deactivated: { action: 'disable' } } };

/** Helpers for the engine's tests: a service with rules (`desk`) and a user (`robin`). */
export class AtTheDesk {
  bench: RuleBench;
  robin: Person;

  /** Registers the hooks; call it at the top of a `describe`. */
  static open(): AtTheDesk {
    const at = new AtTheDesk();
    beforeAll(async () => {
      at.bench = await RuleBench.open(desk);
    });
    afterAll(() => at.bench.close());
    beforeEach(async () => {
      at.bench.receipts.all.length = 0;
      at.robin = await at.bench.person();
    });
    return at;
  }

  things = async (kind: string, owner: Person, count = 1): Promise<void> => {
    const em = this.bench.em();
    for (let n = 0; n < count; n++) {
      const id = this.bench.ids.next();
      em.create(Thing, { id, accountId: owner.accountId, owner: owner.userId, kind, state: 'open' });
    }
    await em.flush();
  };

  /** A team of new users, each with this many chairs. */
  team = async (...chairs: number[]): Promise<{ id: string; members: Person[] }> => {
    const { accountId } = this.robin;
    const id = this.bench.ids.next();
    const members: Person[] = [];
    for (const count of chairs) {
      const member = await this.bench.person({ accountId, profile: { teamIds: [id] } });
      await this.things('chair', member, count);
      members.push(member);
    }
    return { id, members };
  };

  owned = async ({ userId }: Person): Promise<number> => (await this.bench.em().find(Thing, { owner: userId })).length;

  /** One user gives one of their things to another one. */
  pass = async (kind: string, from: Person, to: Person): Promise<void> => {
    const em = this.bench.em();
    (await em.findOneOrFail(Thing, { owner: from.userId, kind })).owner = to.userId;
    await em.flush();
  };

  /** Delivers the events in one batch, as the broker does. */
  deliver = (events: (UserEvent | string)[]): Promise<Outcome[]> =>
    this.bench.events.handle(
      events.map((event, index) => ({
        subject: 'user.any',
        data: new TextEncoder().encode(typeof event === 'string' ? event : JSON.stringify(event)),
        streamSequence: index + 1,
        deliveries: 1,
      })),
    );

  receiptsOf = ({ userId }: Person): Receipt[] =>
    this.bench.receipts.all.filter((receipt) => receipt.userId === userId);

  /** The inbox status of each decision about the user, in the order of the decisions. */
  status = async ({ userId }: Person): Promise<string[]> => {
    const { rows } = await sql<{ status: string }>`
      select status from inbox where user_id = ${userId} order by lifecycle_version`.execute(
      this.bench.em().getKysely(),
    );
    return rows.map((row) => row.status);
  };

  /** Waits until a transaction on this database waits for a lock. */
  waitsForLock = (): Promise<unknown> =>
    eventually(async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        this.bench.em().getKysely(),
      );
      return rows.length > 0;
    });
}
