import type { Receipt, ReceiptFailure, ReceiptLine, ServiceStatus } from '#libs/contracts';

/** The state of one service in a departure. */
export interface ServiceState {
  departure_id: string;
  service: string;
  status: ServiceStatus;
  error: string | null;
  failure: ReceiptFailure | null;
  round: number;
  rules: ReceiptLine[];
  /** The time of the last change, in PostgreSQL's text format. Only read. */
  updated_at?: string;
}

/** The same for lists. */
export type ServiceStateSummary = Omit<ServiceState, 'round' | 'rules'>;

/** The columns of `ServiceState` with their types. */
export const STATE = {
  departure_id: 'uuid',
  service: 'text',
  status: 'text',
  error: 'text',
  failure: 'jsonb',
  round: 'int',
  rules: 'jsonb',
};

type Comparable = {
  round: number;
  status: ServiceStatus;
  rules: readonly ReceiptLine[];
  failure?: ReceiptFailure | null;
};

const RANK: Record<ServiceStatus, number> = {
  pending: 0,
  running: 1,
  failed: 2,
  superseded: 3,
  completed: 4,
  retired: 5,
};

/** Whether `one` is older than `other`. Receipts can arrive repeatedly and in any order. */
export const isOlder = (one: Comparable, other: Comparable): boolean => compare(weigh(one), weigh(other)) < 0;

/** The newest receipt of each departure. */
export function newestOf(receipts: readonly Receipt[]): Map<string, Receipt> {
  const newest = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const known = newest.get(receipt.departureId!);
    if (!known || !isOlder(receipt, known)) newest.set(receipt.departureId!, receipt);
  }
  return newest;
}

/** The lines of a receipt, with the `remaining` counts of the known lines. */
export function withRemaining(lines: readonly ReceiptLine[], known: readonly ReceiptLine[]): ReceiptLine[] {
  const counted = new Map(known.map((line) => [keyOf(line), line.remaining]));
  return lines.map((line) => ({ ...line, remaining: line.remaining ?? counted.get(keyOf(line)) ?? null }));
}

/** Lines that are finished and were not finished before. */
export function newlyFinished(lines: readonly ReceiptLine[], known: readonly ReceiptLine[]): ReceiptLine[] {
  const before = new Set(known.filter((line) => line.finishedAt).map(keyOf));
  return lines.filter((line) => line.finishedAt && !before.has(keyOf(line)));
}

/** Lines whose delayed effect is held by a legal hold and was not held before. */
export function newlyHeld(lines: readonly ReceiptLine[], known: readonly ReceiptLine[]): ReceiptLine[] {
  const before = new Set(known.filter((line) => line.heldAt).map(keyOf));
  return lines.filter((line) => line.heldAt && !before.has(keyOf(line)));
}

/** Identifies a line among those of one service in a departure. */
export const keyOf = ({ rule, part, transition }: Pick<ReceiptLine, 'rule' | 'part' | 'transition'>): string =>
  `${rule} ${part ?? ''} ${transition}`;

function weigh({ round, status, rules, failure }: Comparable): number[] {
  const finished = rules.filter((line) => line.finishedAt).length;
  const done = rules.filter((line) => line.doneAt).length;
  const held = rules.filter((line) => line.heldAt).length;
  const affected = rules.reduce((sum, line) => sum + line.affected, 0);
  return [round, RANK[status], done, held, finished, affected, failure?.attempts ?? 0];
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at === -1 ? 0 : one[at]! - other[at]!;
}
