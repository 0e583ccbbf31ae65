import { TaskWorker } from '#libs/lifecycle';
import pg from 'pg';
import { setTimeout as pause } from 'node:timers/promises';
import { telephony } from '../scenes/telephony.js';
import { Participant, policyOf } from './participant.js';
import { ACCOUNT, departureOf, directoryOf, personId, personSql } from './people.js';
import type { Copy, Stage, Template } from './stage.js';
import type { NatsConnection } from '@nats-io/transport-node';

/** The number of the user with all these rows. */
export const WHALE = 1;
const OTHERS = 2_000;

/** The telephony service with one user who has `rows` callbacks, and others who have 50 each. */
export function whaleTemplate(stage: Stage, rows: number): Promise<Template> {
  const callbacksOf = (person: string, from: string) => `
    insert into callback select uuidv7(), '${ACCOUNT}', uuidv7(), ${personSql(person)}, now(), 'pending', now() from ${from}`;
  return stage.template('telephony', telephony.parts.migrations, [
    directoryOf(OTHERS),
    callbacksOf(String(WHALE), `generate_series(1, ${rows}) i`),
    callbacksOf('n', `generate_series(${WHALE + 1}, ${OTHERS}) n, generate_series(1, 50) i`),
  ]);
}

/** A task worker that records the duration of each chunk. */
class TimedTasks extends TaskWorker {
  readonly chunks: number[] = [];

  protected override async run(...job: Parameters<TaskWorker['run']>): Promise<void> {
    const begun = performance.now();
    await super.run(...job);
    this.chunks.push(performance.now() - begun);
  }
}

/** The running service of the user with many rows. */
export class Whale {
  private constructor(
    readonly copy: Copy,
    readonly participant: Participant,
    private readonly tasks: TimedTasks,
  ) {}

  static async open(template: Template, nats: NatsConnection): Promise<Whale> {
    const copy = await template.copy();
    const participant = await Participant.open(telephony.parts, copy.url, nats);
    return new Whale(copy, participant, participant.worker(TimedTasks));
  }

  get chunks(): readonly number[] {
    return this.tasks.chunks;
  }

  /** Runs the whole deletion of that user, to the last chunk. */
  async leave(): Promise<void> {
    await this.smallDeparture(WHALE);
    await this.tasks.drain();
  }

  /** Runs a departure that fits into one transaction. @returns its duration in milliseconds */
  async smallDeparture(person: number): Promise<number> {
    const rules = policyOf(this.participant, 'crm', telephony.policy);
    const begun = performance.now();
    await this.participant.processor.apply([departureOf(person, 'deleted', rules)]);
    return performance.now() - begun;
  }

  async close(): Promise<void> {
    await this.participant.close();
    await this.copy.drop();
  }
}

/** Repeats the work at an interval, in milliseconds, until `until` has settled. @returns the durations */
export async function repeatUntil(
  until: Promise<unknown>,
  every: number,
  act: (round: number) => Promise<number>,
): Promise<number[]> {
  const took: number[] = [];
  let over = false;
  const end = until.finally(() => (over = true));
  while (!over) {
    took.push(await act(took.length));
    await pause(every);
  }
  await end;
  return took;
}

/** Returns a typical write of other users: inserts a callback, and changes one of another user. */
export async function bystander(
  url: string,
): Promise<{ write: (round: number) => Promise<number>; end: () => Promise<void> }> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    'select distinct on (assignee_id) id from callback where assignee_id > $1 order by assignee_id, id',
    [personId(WHALE)],
  );
  const write = async (round: number): Promise<number> => {
    const begun = performance.now();
    await client.query('begin');
    await client.query(`insert into callback select uuidv7(), $1, uuidv7(), null, now(), 'pending', now()`, [ACCOUNT]);
    await client.query('update callback set due_at = now() where id = $1', [rows[round % rows.length]!.id]);
    await client.query('commit');
    return performance.now() - begun;
  };
  return { write, end: () => client.end() };
}
