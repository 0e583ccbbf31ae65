import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { canonical, type UserTransfer } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import { mapConstraintErrors } from '../../../common/constraint-errors.js';
import { requireNonBlank } from '../../../common/require-non-blank.js';
import { FormerIdentifiers } from '../../../former-identifier/former-identifiers.js';
import { Invitations } from '../../../invitation/invitations.js';
import { Sessions } from '../../../session/sessions.js';
import { duplicates } from '../../../user/new-users.js';
import { DepartureStore } from '../../store/departure-store.js';
import { Erasure } from '../erasure.js';

/** Replaces the person in identity's own tables: what names the former one, or lets them in, is gone afterwards. */
@Injectable()
export class FormerPerson {
  constructor(
    private readonly em: EntityManager,
    private readonly sessions: Sessions,
    private readonly erasure: Erasure,
    private readonly invitations: Invitations,
    private readonly audit: Audit,
    private readonly store: DepartureStore,
    private readonly former: FormerIdentifiers,
  ) {}

  /**
   * In the transaction of the transfer, which has locked the user.
   * @throws Problem `validation`, `duplicate-email`, `duplicate-staff-id`
   */
  async replace(userId: string, to: UserTransfer): Promise<void> {
    await this.former.seal(userId);
    await this.rename(userId, to);
    await this.sessions.endAll([userId]);
    await this.erasure.deleteCredentials([userId]);
    // The former person may know the tokens of both.
    await this.invitations.revokeOpen([userId]);
    await this.audit.scrub(userId);
    await this.store.erasePersonal([userId]);
  }

  private async rename(userId: string, to: UserTransfer): Promise<void> {
    const [name, staffId] = [requireNonBlank('name', to.name), requireNonBlank('staffId', to.staffId)];
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set name = ${name}, email = ${canonical(to.email)}, staff_id = ${staffId}, avatar_url = null, password_hash = null,
          user_name = null, external_id = null, scim_name = null, email_verified_at = null
        where id = ${userId}`.execute(this.em.getKysely()),
    );
  }
}
