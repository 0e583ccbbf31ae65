import type { ServiceClient } from '#libs/broker';
import type { NotRestoredReason, ReceiptLine, ReturnPreviewLine, ReturnPreviewRequest } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { waitingInverses, type RemoteUndo } from '../run/remote-effects.js';
import { inversesOf, remoteLines, restoreOwn, withoutInverse, withRestored } from '../run/restoration.js';
import type { RuleSet, Step } from '../run/rule-set.js';
import { isWanted, undosOf, type RuleUndo } from '../run/undo-records.js';
import type { CountedUndo } from '../sql/undo-statements.js';

interface Asking {
  now: Date;
  /** Counts what would come back in other services. Absent in identity, whose rules have no remote effects. */
  client?: ServiceClient;
}

type Reasons = Partial<Record<NotRestoredReason, number>>;

/**
 * Counts what a reactivation would restore, with the conditions that the restoration uses, and changes nothing. If nothing
 * is written in between, the receipt has the same counts.
 */
export async function returnPreview(
  db: Db,
  rules: RuleSet,
  request: ReturnPreviewRequest,
  { now, client }: Asking,
): Promise<ReturnPreviewLine[]> {
  const { userId, restore } = request;
  if (restore === undefined && !rules.restoresUnasked) return [];
  const undos = (await undosOf(db, rules, request)).filter((undo) => isWanted(undo, restore));
  const own = undos.filter(({ step }) => !step?.remote);
  const reasons = new Map<RuleUndo, Reasons>();
  const { lines } = await restoreOwn(userId, own, now, async (undo) => {
    const { given, partly, ...missing } = await countRecords(db, userId, undo, now);
    reasons.set(undo, missing);
    return { given, partly, used: undo.records.reduce((sum, { rows }) => sum + rows, 0) };
  });
  const inverses = rules.hasRemoteEffects ? inversesOf(undos, await waitingInverses(db, userId), restore) : [];
  const remote = await countRemote(rules, request, inverses, { now, client });
  return [
    ...lines.map((line, index) => lineOf(line, reasons.get(own[index]!))),
    ...remote.map((line) => lineOf(line, { taken: line.notRestored })),
    ...withoutInverse(undos, now).map((line) => lineOf(line)),
  ];
}

/** Counts the rows of all records that the same effect has left. */
async function countRecords(db: Db, userId: string, { records }: RuleUndo, now: Date): Promise<CountedUndo> {
  const sum: CountedUndo = { given: 0, partly: false, deleted: 0, taken: 0, changed: 0 };
  const byAction = Map.groupBy(records, ({ step }) => step?.action);
  for (const [action, same] of byAction) {
    if (action?.effect.kind !== 'set') continue;
    const ids = same.map(({ id }) => id);
    const { statements } = same[0]!.step as Step;
    const counted = await statements.undoStatements(action.effect).count(db, userId, ids, now);
    for (const name of ['given', 'deleted', 'taken', 'changed'] as const) sum[name] += counted[name];
    sum.partly ||= counted.partly;
  }
  return sum;
}

async function countRemote(
  rules: RuleSet,
  { accountId, userId, lifecycleVersion }: ReturnPreviewRequest,
  inverses: readonly RemoteUndo[],
  { now, client }: Asking,
): Promise<ReceiptLine[]> {
  const given = new Map<string, number>();
  for (const { rule, part, undoes, expected } of inverses) {
    const count = client && rules.remoteEffect(rule, part)?.countInverse;
    const rows = count ? await count(client, { accountId, userId, lifecycleVersion, rule, undoes }) : expected;
    given.set(`${rule} ${part}`, (given.get(`${rule} ${part}`) ?? 0) + Math.min(rows, expected));
  }
  return remoteLines(inverses).map((line) => {
    const restored = { given: given.get(`${line.rule} ${line.part}`) ?? 0 };
    return withRestored(line, restored, now);
  });
}

/** What has no other reason cannot be restored. */
function lineOf(
  { rule, part, affected, notRestored = 0, warning }: ReceiptLine,
  { deleted = 0, taken = 0, changed = 0 }: Reasons = {},
): ReturnPreviewLine {
  const final = notRestored - deleted - taken - changed;
  return {
    rule,
    ...(part !== undefined && { part }),
    ...{ affected, notRestored },
    ...(warning !== undefined && { warning }),
    reasons: {
      ...(deleted > 0 && { deleted }),
      ...(taken > 0 && { taken }),
      ...(changed > 0 && { changed }),
      ...(final > 0 && { final }),
    },
  };
}
