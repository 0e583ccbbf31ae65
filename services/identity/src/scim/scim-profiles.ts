import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal, UserChange } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit, actorOf } from '../audit/audit.js';
import { UserChanges } from '../user-management/user-changes.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import type { AssertedUser } from './asserted-user.js';
import { taken } from './faults.js';
import { profileAfter, type ScimProfile } from './scim-profile.js';
import { ScimUserRows } from './scim-user-rows.js';
import { profileOf } from './scim-user-view.js';

type OwnColumns = Pick<ScimProfile, 'userName' | 'email' | 'externalId'> & Partial<Pick<ScimProfile, 'name'>>;

const duplicates = {
  users_user_name: () => taken('Another user of the account has this userName.'),
  users_external_id: () => taken('Another user of the account has this externalId.'),
};

/** Writes what identity providers say of users. Whatever is so already changes nothing, not even the version. */
@Injectable()
export class ScimProfiles {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimUserRows,
    private readonly users: UserRows,
    private readonly changes: UserChanges,
    private readonly events: UserEvents,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem `not-found`, `conflict` or `duplicate-…` */
  async change(principal: Principal, id: string, asserted: AssertedUser, whole: boolean): Promise<void> {
    await this.users.lock([id], 'change');
    const before = profileOf(await this.rows.get(principal.accountId, id));
    const after = profileAfter(before, asserted, whole);
    const own = ownFields(before, after);
    const { name: _guessed, ...withoutName } = after;
    if (own.length > 0) await this.note(id, own.includes('name') ? after : withoutName);
    const shared = sharedChange(before, after);
    if (Object.keys(shared).length > 0) await this.changes.apply(principal, id, shared);
    else if (own.length > 0) await this.tell(principal, id, own);
  }

  /** Puts down what only SCIM clients see; without a name that stays as it is. @throws Problem `conflict` when the user name or external id is taken */
  async note(id: string, { userName, email, externalId, name }: OwnColumns): Promise<void> {
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set user_name = ${userName === email ? null : userName}, external_id = ${externalId},
          scim_name = ${name === undefined ? sql.ref('scim_name') : JSON.stringify(name)}
        where id = ${id}`.execute(this.em.getKysely()),
    );
  }

  private async tell(principal: Principal, id: string, fields: readonly string[]): Promise<void> {
    await this.events.publishChanged([id]);
    const { accountId } = principal;
    const by = actorOf(principal);
    await this.audit.append([{ accountId, action: 'user.updated', ...by, subjectId: id, detail: { fields } }]);
  }
}

function ownFields(before: ScimProfile, after: ScimProfile): string[] {
  const emailIsName = ({ userName, email }: ScimProfile) => userName === email;
  return [
    ...(before.userName !== after.userName || emailIsName(before) !== emailIsName(after) ? ['userName'] : []),
    ...(before.externalId !== after.externalId ? ['externalId'] : []),
    ...(sorted(before.name) !== sorted(after.name) ? ['name'] : []),
  ];
}

const sorted = (parts: ScimProfile['name']): string => JSON.stringify(Object.entries(parts).sort());

function sharedChange(before: ScimProfile, after: ScimProfile): UserChange {
  return {
    ...(before.displayName !== after.displayName && { name: after.displayName }),
    ...(before.email !== after.email && { email: after.email }),
    ...(before.staffId !== after.staffId && { staffId: after.staffId }),
  };
}
