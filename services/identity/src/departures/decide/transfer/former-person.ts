import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { canonical, type Principal, type UserTransfer } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit, SCRUBBED } from '../../../audit/audit.js';
import { mapConstraintErrors } from '../../../common/constraint-errors.js';
import { requireNonBlank } from '../../../common/require-non-blank.js';
import { FormerIdentifiers } from '../../../former-identifier/former-identifiers.js';
import { duplicates } from '../../../user/new-users.js';
import { DepartureStore } from '../../store/departure-store.js';
import { Erasure } from '../erasure.js';

/**
 * Removes what names the former person from identity's own tables, in the transaction of the transfer, which has locked the
 * user. What lets them in ends by the rules of the decision.
 */
@Injectable()
export class FormerPerson {
  constructor(
    private readonly em: EntityManager,
    private readonly erasure: Erasure,
    private readonly audit: Audit,
    private readonly store: DepartureStore,
    private readonly former: FormerIdentifiers,
  ) {}

  /**
   * Gives the user the name of the new person.
   * @throws Problem `validation`, `duplicate-email`, `duplicate-staff-id`
   */
  async rename(userId: string, to: UserTransfer): Promise<void> {
    await this.former.seal(userId);
    const [name, staffId] = [requireNonBlank('name', to.name), requireNonBlank('staffId', to.staffId)];
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set name = ${name}, email = ${canonical(to.email)}, staff_id = ${staffId}, avatar_url = null,
          user_name = null, external_id = null, scim_name = null, email_verified_at = null
        where id = ${userId}`.execute(this.em.getKysely()),
    );
  }

  /** Erases details in the audit trail and the reasons of departures. */
  async erase({ accountId, userId: actorId }: Principal, subjectId: string): Promise<void> {
    const entries = await this.audit.scrub(subjectId);
    await this.store.erasePersonal([subjectId]);
    if (entries > 0)
      await this.audit.append([{ accountId, action: SCRUBBED, actorId, subjectId, detail: { entries } }]);
  }

  /** Deletes sessions and tokens, which contain IP addresses and names, after the rules have revoked them. */
  async deleteCredentials(userId: string): Promise<void> {
    await this.erasure.deleteCredentials([userId]);
  }
}
