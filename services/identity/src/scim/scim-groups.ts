import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type ScimAnswer, type ScimView, type ScimWrite } from '#libs/contracts';
import { sql } from 'kysely';
import { actorOf, Audit } from '../audit/audit.js';
import { TeamService } from '../team/team.service.js';
import { answerOf, requireVersion } from './answers.js';
import { readGroup, readGroupPatch, without, type AssertedGroup } from './asserted-group.js';
import { scimProblem, taken } from './faults.js';
import { ScimGroupRows, toScimGroup, versionOf, type ScimGroupRow } from './scim-group-rows.js';

const NO_MEMBERS: ScimView = { excludedAttributes: ['members'] };

/** What an identity provider does to groups, which are teams here; each request in one transaction. */
@Injectable()
export class ScimGroups {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimGroupRows,
    private readonly teams: TeamService,
    private readonly audit: Audit,
  ) {}

  async get({ accountId }: Principal, id: string, view: ScimView): Promise<ScimAnswer> {
    return answerOf(toScimGroup(await this.rows.get(accountId, id, view)), view);
  }

  /** @throws Problem `validation`, `conflict` when the name is taken, `unknown-user` or `inactive-user` for members */
  async create(principal: Principal, { body, view }: ScimWrite): Promise<ScimAnswer> {
    const { displayName, ...asserted } = readGroup(body);
    if (displayName === undefined) throw scimProblem('invalidValue', 'displayName is required.');
    const { id } = await named(() => this.teams.create(principal, displayName));
    await this.apply(principal, await this.rows.get(principal.accountId, id, NO_MEMBERS), asserted);
    return this.get(principal, id, view);
  }

  /** Who is not spoken of at all stays. @throws Problem as `change` does */
  async replace(principal: Principal, id: string, { body, ifMatch, view }: ScimWrite): Promise<ScimAnswer> {
    const asserted = readGroup(body);
    if (asserted.displayName === undefined) throw scimProblem('invalidValue', 'displayName is required.');
    await this.apply(principal, await this.expect(principal, id, ifMatch), asserted);
    return this.get(principal, id, view);
  }

  /**
   * Answers without the group unless the client says what it wants of it: groups can be large.
   * @throws Problem `validation`, `not-found`, `precondition-failed`, `conflict`, `unknown-user` or `inactive-user`
   */
  async change(principal: Principal, id: string, { body, ifMatch, view }: ScimWrite): Promise<ScimAnswer> {
    const asserted = readGroupPatch(body);
    await this.apply(principal, await this.expect(principal, id, ifMatch), asserted);
    if (view.attributes?.length) return this.get(principal, id, view);
    return { id, version: versionOf(await this.rows.get(principal.accountId, id, NO_MEMBERS)) };
  }

  /** @throws Problem `not-found`, `precondition-failed` */
  async remove(principal: Principal, id: string, { ifMatch }: ScimWrite): Promise<ScimAnswer> {
    await this.expect(principal, id, ifMatch);
    await this.teams.remove(principal, id);
    return {};
  }

  private async expect({ accountId }: Principal, id: string, ifMatch: string | undefined): Promise<ScimGroupRow> {
    await this.rows.lock(accountId, id);
    const row = await this.rows.get(accountId, id, NO_MEMBERS);
    requireVersion(ifMatch, versionOf(row));
    return row;
  }

  private async apply(principal: Principal, before: ScimGroupRow, asserted: AssertedGroup): Promise<void> {
    const { displayName, externalId, members } = asserted;
    if (displayName !== undefined && displayName !== before.name)
      await named(() => this.teams.rename(principal, before.id, displayName));
    if (externalId !== undefined && externalId !== before.external_id)
      await this.link(principal, before.id, externalId);
    if (members) await this.setMembers(principal, before.id, members);
  }

  private async link(principal: Principal, teamId: string, externalId: string | null): Promise<void> {
    await sql`update team set external_id = ${externalId} where id = ${teamId}`.execute(this.em.getKysely());
    const { accountId } = principal;
    await this.audit.append([{ accountId, action: 'team.linked', ...actorOf(principal), detail: { teamId } }]);
  }

  private async setMembers(
    principal: Principal,
    teamId: string,
    members: NonNullable<AssertedGroup['members']>,
  ): Promise<void> {
    const before = await this.rows.memberIds(teamId);
    const after = members(before);
    const add = [...without(after, before)];
    const remove = [...without(before, after)];
    if (add.length + remove.length > 0) await this.teams.changeMembers(principal, teamId, { add, remove });
  }
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') throw taken('Another group has this displayName.');
    throw error;
  }
}
