import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type ProblemCode, type Transition } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { actorOf, Audit, type NewEntry } from '../../audit/audit.js';
import type { UserRow } from '../../user/user-rows.js';

/** What a guard refuses with. That somebody has left already, or may not be touched, is no guard's doing. */
const OF_GUARDS: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'sole-owner',
  'not-deactivated',
  'numbers-assigned',
  'retention',
  'legal-hold',
]);

/** What the guards can refuse; a transfer erases a person as a deletion does. */
type Refusable = Transition | 'transferred';

interface Refused {
  userId: string;
  problem?: Problem;
}

/** Has the trail tell whose departure the guards have refused, to whom, and why. */
@Injectable()
export class Refusals {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
  ) {}

  /**
   * Of one person: the command comes to nothing, so its refusal is put down in a transaction that follows.
   * @throws what the guards throw
   */
  async recording(
    principal: Principal,
    { user, transition }: { user: UserRow; transition: Refusable },
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

  /** Of many people: in the caller's transaction, which goes on with the others. */
  async record(
    { accountId, transition, requestedBy }: { accountId: string; transition: Transition; requestedBy: string },
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
  transition: Refusable,
  by: Pick<NewEntry, 'actorId' | 'system'>,
  refused: readonly Refused[],
): NewEntry[] =>
  refused.flatMap(({ userId: subjectId, problem }) =>
    problem && OF_GUARDS.has(problem.code)
      ? [{ accountId, action: 'departure.refused', ...by, subjectId, detail: { transition, code: problem.code } }]
      : [],
  );
