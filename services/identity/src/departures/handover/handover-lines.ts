import {
  receiversOf,
  type Departure,
  type DepartureRule,
  type DepartureService,
  type HandedOverRows,
  type HandoverCheck,
} from '#libs/contracts';

/** What a receipt says for a handover report. */
export interface HandoverLine {
  /** The user who has got the rows, or will get them. Absent if it concerns no receiver. */
  receiverId?: string;
  received?: HandedOverRows;
  checks: HandoverCheck[];
}

/** Warnings that matter only if there are rows. */
const ABOUT_ROWS = 'successor-has-left';

/**
 * The lines of all receipts that have moved rows or need a look, in the order of the receipts.
 * @param labels by rule id
 */
export function handoverLines({ services }: Departure, labels: ReadonlyMap<string, string>): HandoverLine[] {
  return services.flatMap((service) => [
    ...service.rules.flatMap((line) => ofRule(service.service, line, labels)).filter(isWorthReporting),
    ...ofService(service),
  ]);
}

/** What a rule needs a look at is shown to each of its receivers. */
function ofRule(service: string, line: DepartureRule, labels: ReadonlyMap<string, string>): HandoverLine[] {
  const { rule, part, transition, transferredTo } = line;
  const about = { service, rule, ...(part && { part }), label: labels.get(rule) ?? rule };
  const checks = checksOf(line).map((check) => ({ ...about, ...check }));
  const received = receiversOf(line);
  if (received.length === 0)
    return [{ ...(typeof transferredTo === 'string' && { receiverId: transferredTo }), checks }];
  return received.map(({ userId, affected }) => ({
    receiverId: userId,
    received: { ...about, transition, affected },
    checks,
  }));
}

const isWorthReporting = ({ received, checks }: HandoverLine): boolean => received !== undefined || checks.length > 0;

type Check = Omit<HandoverCheck, 'service'>;

function checksOf({ affected, remaining, ...line }: DepartureRule): Check[] {
  const checks: (Check | false)[] = [
    // With rows that are not restored, the warning says why.
    (line.notRestored ?? 0) > 0
      ? { kind: 'not-restored', affected: line.notRestored, ...(line.warning && { code: line.warning }) }
      : line.warning !== undefined &&
        (affected > 0 || line.warning !== ABOUT_ROWS) && { kind: 'warning', affected, code: line.warning },
    line.failure
      ? { kind: 'failed', code: line.failure.error }
      : line.finishedAt === null && { kind: 'unfinished', affected },
    // An unfinished rule has rows left anyway.
    line.finishedAt !== null && (remaining ?? 0) > 0 && { kind: 'remaining', affected: remaining! },
    affected > 0 &&
      line.dueAt !== undefined &&
      line.doneAt === undefined && { kind: delayOf(line), affected, dueAt: line.dueAt },
  ];
  return checks.filter((check) => check !== false);
}

function delayOf({ action, heldAt }: Pick<DepartureRule, 'action' | 'heldAt'>): 'held' | 'quarantine' | 'delayed' {
  if (heldAt !== undefined) return 'held';
  return action === 'release-after' ? 'quarantine' : 'delayed';
}

/** What the state of a service says, beyond its rules. */
function ofService({ service, status, error, rules }: DepartureService): HandoverLine[] {
  if (status === 'retired' || status === 'superseded') return [{ checks: [{ kind: 'skipped', service }] }];
  if (status === 'failed' && !rules.some(({ failure }) => failure))
    return [{ checks: [{ kind: 'failed', service, ...(error && { code: error }) }] }];
  if (status === 'pending') return [{ checks: [{ kind: 'unfinished', service }] }];
  return [];
}
