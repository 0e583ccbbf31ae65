import { previews } from '#libs/lifecycle';
import type { PreviewsRequest } from '#libs/contracts';
import pg from 'pg';
import { compareMilliseconds, median, type Measure } from './support/measure.js';
import { clock, Participant, policyOf } from './support/participant.js';
import { ACCOUNT, directoryOf, personId } from './support/people.js';
import { withNats } from './support/stage.js';
import { contacts } from './scenes/contacts.js';

const TIMES = 5;
/** With the scene's 50 rows each and as many people who stay: a million rows. */
const PEOPLE = 20_000;
const LEAVERS = 10_000;
/** People per question, as identity asks. */
const AT_ONCE = 500;

/** The counts of a dry run of 10,000 people, in one service with a million rows. */
export const dryRuns: Measure = {
  number: 21,
  name: 'dry-run',
  run: async ({ stage, size, say }) => {
    const [people, leavers] = [size(PEOPLE), size(LEAVERS)];
    const template = await stage.template(contacts.parts.name, contacts.parts.migrations, [
      directoryOf(people),
      ...contacts.rows(people),
    ]);
    const copy = await template.copy();
    const times = { ours: [] as number[], theirs: [] as number[] };
    await withNats(stage, async (nats) => {
      const participant = await Participant.open(contacts.parts, copy.url, nats);
      const client = new pg.Client(copy.url);
      await client.connect();
      const rules = policyOf(participant, 'crm', contacts.policy);
      const userIds = Array.from({ length: leavers }, (_, n) => personId(n + 1));
      const chunks = Array.from({ length: Math.ceil(leavers / AT_ONCE) }, (_, n) =>
        userIds.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
      );
      // One round first, so that neither side reads the tables from disk.
      for (let n = 0; n <= TIMES; n++) {
        const [ours, byUs] = await took(() => countAll(participant, chunks, rules));
        const [theirs, byHand] = await took(() => countByHand(client, chunks));
        if (byUs !== byHand) throw new Error(`counted ${byUs} rows, by hand ${byHand}`);
        say(`${byUs} rows: ${ours.toFixed(0)} ms, by hand ${theirs.toFixed(0)} ms`);
        if (n === 0) continue;
        times.ours.push(ours);
        times.theirs.push(theirs);
      }
      await client.end();
      await participant.close();
    });
    await copy.drop();
    const what = `Dry run of ${leavers.toLocaleString('en')} users over ${(people * 50).toLocaleString('en')} rows`;
    const words = { what, against: 'hand-written counts', goal: { atMost: 2 } };
    return [compareMilliseconds(words, median(times.ours), median(times.theirs))];
  },
};

async function countAll(
  participant: Participant,
  chunks: readonly string[][],
  rules: PreviewsRequest['rules'],
): Promise<number> {
  let rows = 0;
  for (const userIds of chunks) {
    const people = userIds.map((userId) => ({ userId, activeSince: 1, wasManager: false }));
    const request: PreviewsRequest = { accountId: ACCOUNT, steps: ['deactivated'], rules, people };
    const lines = await previews(participant.em().getKysely(), participant.rules, request, clock.now());
    for (const { counts } of lines) for (const [, count] of counts) rows += count;
  }
  return rows;
}

const counted = (table: string, ...by: string[]) =>
  `select ${by.join()}, count(*)::int from ${table} where ${by[0]} = any($1::uuid[]) group by ${by.join()}`;

/** What somebody would write for the same rules: one statement for each table, grouped by user and kind. */
const COUNTS = [
  counted('contact', 'assignee'),
  counted('record', 'owner_id', 'type'),
  counted('segment', 'owner_id'),
  counted('filter', 'owner_id', 'visibility'),
  `select user_id, count(*)::int from filter_condition c where user_id = any($1::uuid[]) and not exists (
    select from filter f where f.id = c.filter_id and f.owner_id = c.user_id and f.visibility = 'private') group by 1`,
  counted('import_source', 'owner_id'),
  ...['note', 'comment', 'file'].map((table) => counted(table, 'author')),
];

async function countByHand(client: pg.Client, chunks: readonly string[][]): Promise<number> {
  let rows = 0;
  for (const userIds of chunks)
    for (const text of COUNTS)
      for (const row of (await client.query<{ count: number }>(text, [userIds])).rows) rows += row.count;
  return rows;
}

async function took<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begun = performance.now();
  const result = await work();
  return [performance.now() - begun, result];
}
