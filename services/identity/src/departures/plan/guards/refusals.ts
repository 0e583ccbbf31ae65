import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type AppliedTransition, type Principal, type ProblemCode } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { actorOf, Audit, type NewEntry } from '../../../audit/audit.js';
import type { UserRow } from '../../../user/user-rows.js';

/** The codes of guards. Other problems, for example that the user has already left, are not recorded. */
const OF_GUARDS: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'sole-owner',
  'not-deactivated',
  'numbers-assigned',
  'retention',
  'legal-hold',
]);

interface Refused {
  userId: string;
  problem?: Problem;
}

/** Records refusals by guards in the audit trail. */
@Injectable()
export class Refusals {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
  ) {}

  /**
   * Runs the guards of a command about one user. A refusal rolls the command back, so it is recorded in a separate transaction
   * afterwards.
   * @throws the problem of the guards
   */
  async recording(
    principal: Principal,
    { user, transition }: { user: UserRow; transition: AppliedTransition },
    guards: () => Promise<void>,
  ): Promise<void> {
    try {
      await guards();
    } catch (error) {
      if (error instanceof Problem) {
        const refused = [{ userId: user.id, problem: error }];
        const entries = entriesOf(user.account_id, transition, actorOf(principal), refused);
        if (entries.length > 0) this.afterCommit.runEitherWay(() => this.appendSeparately(entries));
      }
      throw error;
    }
  }

  /** Records refusals of a batch in the caller's transaction, which continues with the other users. */
  async record(
    { accountId, transition, requestedBy }: { accountId: string; transition: AppliedTransition; requestedBy: string },
    refused: readonly Refused[],
  ): Promise<void> {
    await this.audit.append(entriesOf(accountId, transition, { actorId: requestedBy }, refused));
  }

  private appendSeparately(entries: readonly NewEntry[]): Promise<void> {
    return this.em.fork().transactional(() => this.audit.append(entries));
  }
}

const entriesOf = (
  accountId: string,
  transition: AppliedTransition,
  by: Pick<NewEntry, 'actorId' | 'system'>,
  refused: readonly Refused[],
): NewEntry[] =>
  refused.flatMap(({ userId: subjectId, problem }) =>
    problem && OF_GUARDS.has(problem.code)
      ? [{ accountId, action: 'departure.refused', ...by, subjectId, detail: { transition, code: problem.code } }]
      : [],
  );
