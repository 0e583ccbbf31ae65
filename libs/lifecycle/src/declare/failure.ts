import type { ReceiptFailure, ReceiptLine, StepFailure } from '#libs/contracts';
import { classifyError, PermanentError, retryDelay } from '#libs/jobs';
import { addErrorFacts, databaseErrorNames, errorFactsOf } from '#libs/observability';

/** Why a try failed: the error's code, and the names of the rule, table and constraint. */
export type FailureCause = Omit<ReceiptFailure, 'attempts' | 'nextTryAt'>;

/** Adds the rule to the errors of a statement, for the log and the receipt. */
export async function namingRule<T>(rule: string, part: string | null | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    addErrorFacts(error, { rule, ...(part && { part }) });
    throw error;
  }
}

export function causeOf(error: unknown): FailureCause {
  const { rule, part } = errorFactsOf(error) as Pick<FailureCause, 'rule' | 'part'>;
  return {
    error: classifyError(error).code,
    ...(rule && { rule }),
    ...(part && { part }),
    ...databaseErrorNames(error),
  };
}

/** The failure of a line, which names the rule itself. */
export function stepFailure(
  { rule: _rule, part: _part, ...cause }: FailureCause,
  attempts: number,
  nextTryAt: Date | undefined,
): StepFailure {
  return { ...cause, attempts, ...(nextTryAt && { nextTryAt: nextTryAt.toISOString() }) };
}

/** The failure of the first line that has one. */
export function failureIn(lines: readonly ReceiptLine[]): ReceiptFailure | undefined {
  const line = lines.find(({ failure }) => failure);
  return line && { ...line.failure!, rule: line.rule, ...(line.part && { part: line.part }) };
}

/** When a step is tried again that has failed in a batch, which was its first try. */
export const firstRetryAt = (now: Date): Date => new Date(now.getTime() + retryDelay(0)!);

/** A rule with the action `block` has rows. */
export class StepBlocked extends PermanentError {
  readonly code: string;

  constructor(ruleId: string) {
    super(`rule ${ruleId} blocks: it has rows`);
    this.code = `blocked:${ruleId}`;
    addErrorFacts(this, { rule: ruleId });
  }
}
