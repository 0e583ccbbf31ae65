import { jest } from '@jest/globals';
import { sql } from 'kysely';
import type { ResolvedRules } from '#libs/contracts';
import { RETRY_DELAYS_MS } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { EngineMetrics } from '#libs/lifecycle';
import { AtTheDesk, trap, unassignChairs } from './at-the-desk.js';
import { Thing } from './desk.js';

describe('a failure', () => {
  const at = AtTheDesk.open();

  it('for one user does not affect the others of the batch, and waits in PostgreSQL', async () => {
    const others = await Promise.all(Array.from({ length: 6 }, () => at.bench.person()));
    for (const other of others) await at.things('chair', other);
    await at.things('trap', at.robin);
    const events = others.map((other) => at.bench.leaving(other, 'deactivated', unassignChairs));
    const outcomes = await at.deliver([
      ...events.slice(0, 3),
      at.bench.leaving(at.robin, 'deactivated', trap),
      ...events.slice(3),
    ]);
    expect(outcomes).toEqual(Array.from({ length: 7 }, () => 'ack'));
    for (const other of others) expect(await at.owned(other)).toBe(0);
    expect(await at.status(at.robin)).toEqual(['running']);
    expect(at.receiptsOf(at.robin)).toMatchObject([{ status: 'running', error: '23514' }]);
  });

  it('for a few users repeats only the failing statement to find them', async () => {
    const others = await Promise.all(Array.from({ length: 12 }, () => at.bench.person()));
    const offenders = [at.robin, await at.bench.person()];
    for (const one of [...others, ...offenders]) await at.things('chair', one, 2);
    for (const offender of offenders) await at.things('trap', offender);
    const tries = jest.spyOn(at.bench.processor, 'apply');
    const rules = { ...unassignChairs, ...trap };
    await at.deliver([...others, ...offenders].map((one) => at.bench.leaving(one, 'deactivated', rules)));
    expect(tries.mock.calls.map(([events]) => events.length)).toEqual([14]);
    tries.mockRestore();
    for (const other of others) expect(await at.status(other)).toEqual(['completed']);
    for (const offender of offenders) {
      expect(await at.status(offender)).toEqual(['running']);
      expect(at.receiptsOf(offender).at(-1)!.rules).toMatchObject([
        { rule: 'desk.chairs', affected: 2, finishedAt: expect.any(String) },
        { rule: 'desk.traps', affected: 0, finishedAt: null },
      ]);
    }
  });

  it('is counted in the retry metric, both of a whole event and of one rule', async () => {
    const before = await retrying();
    const [one, other] = [at.robin, await at.bench.person()];
    for (const offender of [one, other]) await at.things('trap', offender);
    await at.deliver([at.bench.leaving(one, 'deactivated', trap)]);
    expect(await retrying()).toBe(before + 1);
    const third = await at.bench.person();
    await at.deliver([other, third].map((person) => at.bench.leaving(person, 'deactivated', trap)));
    expect(await retrying()).toBe(before + 2);
  });

  /** The value of the gauge as Prometheus reads it. */
  async function retrying(): Promise<number> {
    const metrics = new Metrics(at.bench.clock);
    const engine = new EngineMetrics(at.bench.em(), at.bench.rules, at.bench.clock, metrics);
    const text = await metrics.render();
    engine.onApplicationShutdown();
    return Number(/^leaver_inbox_retry (\d+)$/m.exec(text)![1]);
  }

  it('of one rule in a batch is retried alone until it has failed for good, and again in a new round', async () => {
    await at.things('trap', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', trap);
    await at.deliver([event, at.bench.leaving(await at.bench.person(), 'deactivated', trap)]);
    for (const delay of RETRY_DELAYS_MS) {
      expect(await at.status(at.robin)).toEqual(['running']);
      at.bench.clock.advance(delay);
      await at.bench.tasks.drain();
      expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ error: '23514' });
    }
    expect(await at.status(at.robin)).toEqual(['failed']);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'failed', error: '23514' });

    await at.bench.em().nativeUpdate(Thing, { owner: at.robin.userId }, { kind: 'chair' });
    const { departure, ...data } = event.data;
    await at.deliver([{ ...event, data: { ...data, departure: { ...departure!, round: 1 } } }]);
    await at.bench.tasks.drain();
    const last = at.receiptsOf(at.robin).at(-1)!;
    expect(last).toMatchObject({ status: 'completed', round: 1 });
    expect(last).not.toHaveProperty('error');
  });

  /** When the next try for Robin is due. */
  async function dueAt(table: 'inbox' | 'task'): Promise<string> {
    const { rows } = await sql<{ due_at: string }>`
      select due_at from ${sql.table(table)} where user_id = ${at.robin.userId}`.execute(at.bench.em().getKysely());
    return new Date(rows[0]!.due_at).toISOString();
  }

  const names = { error: '23514', sqlState: '23514', table: 'thing', constraint: expect.stringMatching(/^thing_/) };

  it('of one rule names the table, the constraint and the next try in the line, until the rule has finished', async () => {
    await at.things('trap', at.robin);
    await at.deliver([
      at.bench.leaving(at.robin, 'deactivated', trap),
      at.bench.leaving(await at.bench.person(), 'deactivated', trap),
    ]);
    const last = () => at.receiptsOf(at.robin).at(-1)!;
    let failure: object = { ...names, attempts: 1, nextTryAt: await dueAt('task') };
    expect(last().rules).toMatchObject([{ rule: 'desk.traps', failure }]);
    expect(last().failure).toEqual({ ...failure, rule: 'desk.traps' });
    at.bench.clock.advance(RETRY_DELAYS_MS[0]!);
    await at.bench.tasks.drain();
    failure = { ...names, attempts: 2, nextTryAt: await dueAt('task') };
    expect(last()).toMatchObject({ failure: { ...failure, rule: 'desk.traps' }, rules: [{ failure }] });
    for (const delay of RETRY_DELAYS_MS.slice(1)) {
      at.bench.clock.advance(delay);
      await at.bench.tasks.drain();
    }
    expect(last()).toMatchObject({ status: 'failed', failure: { attempts: RETRY_DELAYS_MS.length + 1 } });
    expect(last().failure).not.toHaveProperty('nextTryAt');
    await at.bench.em().nativeUpdate(Thing, { owner: at.robin.userId }, { kind: 'chair' });
    await at.bench.letters.replay({ ids: 'all' });
    await at.bench.tasks.drain();
    expect(last().status).toBe('completed');
    expect(JSON.stringify(last())).not.toContain('failure');
  });

  it('of one rule of a single leaver is logged with the same names, and without values', async () => {
    await at.things('trap', at.robin);
    const lines: [object, string][] = [];
    const warn = jest
      .spyOn(at.bench.log, 'warn')
      .mockImplementation((facts, message) => void lines.push([facts, message]));
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', trap)]);
    warn.mockRestore();
    const { departureId } = at.receiptsOf(at.robin).at(-1)!;
    const failure = { ...names, rule: 'desk.traps', attempts: 1, nextTryAt: await dueAt('task') };
    expect(lines).toContainEqual([expect.objectContaining({ ...failure, departureId }), 'a departure event failed']);
    expect(JSON.stringify(lines)).not.toContain('Failing row');
  });

  it('of one rule does not hold up the other rules of a single leaver', async () => {
    await at.things('trap', at.robin);
    await at.things('chair', at.robin, 2);
    const tries = jest.spyOn(at.bench.processor, 'apply');
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', { ...trap, ...unassignChairs })]);
    expect(tries).toHaveBeenCalledTimes(2);
    tries.mockRestore();
    expect(await at.status(at.robin)).toEqual(['running']);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({
      error: '23514',
      rules: [
        { rule: 'desk.chairs', affected: 2, finishedAt: expect.any(String) },
        { rule: 'desk.traps', affected: 0, finishedAt: null },
      ],
    });
    expect(await at.owned(at.robin)).toBe(1);
    await at.bench.em().nativeUpdate(Thing, { owner: at.robin.userId }, { kind: 'chair' });
    at.bench.clock.advance(RETRY_DELAYS_MS[0]!);
    await at.bench.tasks.drain();
    expect(await at.status(at.robin)).toEqual(['completed']);
  });

  it('that waits for its next try is tried at once in a new round, with a new series of tries', async () => {
    await at.things('trap', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', trap);
    const inRound = (round: number) => ({
      ...event,
      data: { ...event.data, departure: { ...event.data.departure!, round } },
    });
    await at.deliver([event]);
    for (const delay of RETRY_DELAYS_MS.slice(0, 4)) {
      at.bench.clock.advance(delay);
      await at.bench.tasks.drain();
    }
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'running', failure: { attempts: 5 } });
    await at.deliver([inRound(1)]);
    await at.bench.tasks.drain();
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'running', round: 1, failure: { attempts: 1 } });
    await at.bench.em().nativeUpdate(Thing, { owner: at.robin.userId }, { kind: 'chair' });
    await at.deliver([inRound(2)]);
    await at.bench.tasks.drain();
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'completed', round: 2 });
  });

  it('of an event is retried with growing delays until it has failed for good, and as often again in a new round', async () => {
    // Nobody in the account can take over: no rule can be told from the others.
    const toTheFirstAdmin: ResolvedRules = { 'desk.chairs': { deactivated: { action: 'transfer' } } };
    await at.things('chair', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', toTheFirstAdmin);
    await at.deliver([event]);
    expect(at.receiptsOf(at.robin).at(-1)!.failure).toMatchObject({ attempts: 1, nextTryAt: await dueAt('inbox') });
    for (const delay of RETRY_DELAYS_MS) {
      expect(await at.status(at.robin)).toEqual(['retry']);
      at.bench.clock.advance(delay);
      await at.bench.retries.drain();
    }
    expect(await at.status(at.robin)).toEqual(['failed']);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'failed', error: 'no-first-admin' });

    const { departure, ...data } = event.data;
    const inRound = (round: number) => ({ ...event, data: { ...data, departure: { ...departure!, round } } });
    await at.deliver([inRound(1)]);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'running', error: 'no-first-admin', round: 1 });
    expect(await at.status(at.robin)).toEqual(['retry']);

    await at.bench.admin(at.robin.accountId);
    await at.deliver([inRound(2)]);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'completed', round: 2 });
  });

  it('is retried on time even if the clock was ahead when the retry was scheduled; so are tasks', async () => {
    const hour = 3_600_000;
    const [one, whale] = [at.robin, await at.bench.person()];
    await at.things('trap', one);
    await at.things('chair', whale, 3);
    at.bench.clock.advance(hour);
    await at.deliver([at.bench.leaving(one, 'deactivated', trap)]);
    const usual = at.bench.processor.budget;
    at.bench.processor.budget = { perPerson: 2, total: 10 };
    await at.deliver([at.bench.leaving(whale, 'deactivated', unassignChairs)]);
    at.bench.processor.budget = usual;
    at.bench.clock.advance(-hour);
    await at.bench.em().nativeUpdate(Thing, { owner: one.userId }, { kind: 'chair' });
    await at.bench.retries.drain();
    await at.bench.tasks.drain();
    expect([await at.status(one), await at.status(whale)]).toEqual([['completed'], ['completed']]);
  });

  it('of a redelivered event does not change the recorded result', async () => {
    await at.things('chair', at.robin, 2);
    const event = at.bench.leaving(at.robin, 'deactivated', unassignChairs);
    await at.deliver([event]);
    const [receipt] = await at.bench.processor.scheduleRetry(event, { kind: 'retry', code: 'XX000' });
    expect(receipt).toMatchObject({ status: 'completed' });
    expect(receipt!.rules).toContainEqual(expect.objectContaining({ rule: 'desk.chairs', affected: 2 }));
    expect(await at.status(at.robin)).toEqual(['completed']);
  });

  it('to decode a message stores it as a dead letter and terminates it', async () => {
    const outcomes = await at.deliver([
      'not json',
      JSON.stringify({ specversion: '1.0', type: 'team.exploded' }),
      at.bench.leaving(at.robin, 'deactivated', {}),
    ]);
    expect(outcomes).toEqual([{ term: 'undecodable' }, { term: 'undecodable' }, 'ack']);
    const { rows } = await sql<{
      reason: string;
      data: Buffer;
    }>`select reason, data from dead_letter order by id`.execute(at.bench.em().getKysely());
    expect(rows.map((row) => [row.reason, row.data.toString().slice(0, 8)])).toEqual([
      ['not JSON', 'not json'],
      ['not a type of user event', '{"specve'],
    ]);
  });

  it('that is transient makes the broker deliver the whole batch again', async () => {
    const delivery = at.bench.em().transactional(async (em) => {
      await sql`lock table inbox in access exclusive mode`.execute(em.getKysely());
      const failed = at
        .deliver([at.bench.leaving(at.robin, 'deactivated', unassignChairs)])
        .catch((error: Error) => error.constructor.name);
      await at.waitsForLock();
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        em.getKysely(),
      );
      return failed;
    });
    expect(await delivery).toBe('TransientFailure');
    expect(await at.status(at.robin)).toEqual([]);
  });

  it('because of an action that this service does not offer is permanent', async () => {
    await at.deliver([
      at.bench.leaving(at.robin, 'deactivated', { 'desk.chairs': { deactivated: { action: 'withdraw' } } }),
    ]);
    expect(at.receiptsOf(at.robin)).toMatchObject([{ status: 'failed', error: 'invalid-action' }]);
  });
});
