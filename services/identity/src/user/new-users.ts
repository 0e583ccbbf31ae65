import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { canonical, Problem, type Role } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { Memberships } from './memberships.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from './user-events.js';

export interface NewUserFacts {
  name: string;
  email: string;
  staffId: string;
  roles: readonly Role[];
  teamIds?: readonly string[];
  /** A user with a password is active, one without is invited. */
  passwordHash?: string;
  /** The account's identity provider vouches for the address: the user is active without a password. */
  vouchedFor?: true;
}

export const duplicates = {
  users_email: () => new Problem('duplicate-email', { detail: 'Another user of the account has this email.' }),
  // The SCIM user name is the email, unless the client has set another one.
  users_user_name: () =>
    new Problem('duplicate-email', { detail: 'Another user of the account has this email as their user name.' }),
  users_staff_id: () => new Problem('duplicate-staff-id', { detail: 'Another user of the account has this staff id.' }),
};

/** Inserts and publishes users. The caller checks the seat before. */
@Injectable()
export class NewUsers {
  constructor(
    private readonly em: EntityManager,
    private readonly memberships: Memberships,
    private readonly events: UserEvents,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * @returns the id of the user
   * @throws Problem `duplicate-email`, `duplicate-staff-id` or `unknown-reference`
   */
  async create(accountId: string, facts: NewUserFacts): Promise<string> {
    const id = this.ids.next();
    const now = this.clock.now();
    const name = requireNonBlank('name', facts.name);
    const staffId = requireNonBlank('staffId', facts.staffId);
    await mapConstraintErrors(duplicates, () =>
      sql`
        insert into users (id, account_id, staff_id, name, email, password_hash, status, seat_taken, created_at, updated_at,
          email_verified_at)
        values (${id}, ${accountId}, ${staffId}, ${name}, ${canonical(facts.email)}, ${facts.passwordHash ?? null},
          ${facts.passwordHash || facts.vouchedFor ? 'active' : 'invited'}, true, ${now}, ${now},
          ${facts.vouchedFor ? now : null})`.execute(this.em.getKysely()),
    );
    await this.memberships.setRoles(id, facts.roles);
    if (facts.teamIds?.length) await this.memberships.setTeams(accountId, id, facts.teamIds);
    await this.events.publishChanged([id], 'user.created');
    return id;
  }
}
