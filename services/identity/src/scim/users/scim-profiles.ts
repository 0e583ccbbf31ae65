import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { UserChange } from '#libs/contracts';
import { uniquenessProblem } from '#libs/scim';
import { sql } from 'kysely';
import { Audit, actorOf } from '../../audit/audit.js';
import { FormerIdentifiers } from '../../former-identifier/former-identifiers.js';
import { UserChanges } from '../../user-management/user-changes.js';
import { UserEvents } from '../../user/user-events.js';
import { UserRows } from '../../user/user-rows.js';
import { mapConstraintErrors } from '../../common/constraint-errors.js';
import { asOwner, type Provider } from '../provider.js';
import type { ScimProfile } from './scim-profile.js';
import { ScimUserRows } from './scim-user-rows.js';
import { profileOf } from './scim-user-view.js';

type OwnColumns = Pick<ScimProfile, 'userName' | 'email' | 'externalId'> & Partial<Pick<ScimProfile, 'name'>>;

const duplicates = {
  users_user_name: () => uniquenessProblem('Another user of the account has this userName.'),
  users_external_id: () => uniquenessProblem('Another user of the account has this externalId.'),
};

/** Writes the profiles of users. A request that changes nothing leaves the version as it is. */
@Injectable()
export class ScimProfiles {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimUserRows,
    private readonly users: UserRows,
    private readonly changes: UserChanges,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly former: FormerIdentifiers,
  ) {}

  /**
   * @param change the new profile for the present one, which is locked
   * @throws Problem `not-found`, `conflict` or `duplicate-…`
   */
  async change(provider: Provider, id: string, change: (before: ScimProfile) => ScimProfile): Promise<void> {
    await this.users.lock([id], 'change');
    const before = profileOf(await this.rows.get(provider.accountId, id));
    const after = change(before);
    const own = ownFields(before, after);
    const { name: _split, ...withoutName } = after;
    await this.former.record(id, identifiersIn(before), identifiersIn(after));
    if (own.length > 0) await this.write(id, own.includes('name') ? after : withoutName);
    const shared = { ...sharedChange(before, after), ...(await this.managerChange(provider, id, before, after)) };
    if (Object.keys(shared).length > 0) await this.changes.apply(entitled(provider, shared), id, shared);
    else if (own.length > 0) await this.publish(provider, id, own);
  }

  /**
   * Writes the columns that only SCIM shows. Without `name` the name parts stay as they are.
   * @throws Problem `conflict` if another user has the user name or external id
   */
  async write(id: string, { userName, email, externalId, name }: OwnColumns): Promise<void> {
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set user_name = ${userName === email ? null : userName}, external_id = ${externalId},
          scim_name = ${name === undefined ? sql.ref('scim_name') : JSON.stringify(name)}
        where id = ${id}`.execute(this.em.getKysely()),
    );
  }

  /**
   * A manager whom the account does not have is left out, as other attributes that are not stored: providers send the managers
   * of all users, also of those who are not provisioned.
   */
  private async managerChange(
    { accountId }: Provider,
    id: string,
    before: ScimProfile,
    after: ScimProfile,
  ): Promise<Pick<UserChange, 'managerId'>> {
    if (after.manager === before.manager) return {};
    const found = after.manager === null ? undefined : await this.rows.idOf(accountId, after.manager);
    const managerId = found === undefined || found === id ? null : found;
    return managerId === before.manager ? {} : { managerId };
  }

  private async publish(provider: Provider, id: string, fields: readonly string[]): Promise<void> {
    await this.events.publishChanged([id]);
    const { accountId } = provider;
    const by = actorOf(provider);
    await this.audit.append([{ accountId, action: 'user.updated', ...by, subjectId: id, detail: { fields } }]);
  }
}

/** An address lets its reader in, so only users who are not owners get another one. Names and ids of owners may change. */
const entitled = (provider: Provider, { email }: UserChange): Provider =>
  email === undefined ? asOwner(provider) : provider;

function ownFields(before: ScimProfile, after: ScimProfile): string[] {
  const emailIsName = ({ userName, email }: ScimProfile) => userName === email;
  return [
    ...(before.userName !== after.userName || emailIsName(before) !== emailIsName(after) ? ['userName'] : []),
    ...(before.externalId !== after.externalId ? ['externalId'] : []),
    ...(sorted(before.name) !== sorted(after.name) ? ['name'] : []),
  ];
}

const identifiersIn = ({ userName, externalId }: ScimProfile) => ({ userName, externalId });
const sorted = (parts: ScimProfile['name']): string => JSON.stringify(Object.entries(parts).sort());

function sharedChange(before: ScimProfile, after: ScimProfile): UserChange {
  return {
    ...(before.displayName !== after.displayName && { name: after.displayName }),
    ...(before.email !== after.email && { email: after.email }),
    ...(before.staffId !== after.staffId && { staffId: after.staffId }),
  };
}
