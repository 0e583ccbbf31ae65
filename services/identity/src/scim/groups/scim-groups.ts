import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type ScimProjection, type ScimResponse, type ScimWrite } from '#libs/contracts';
import {
  parsePatch,
  requirePreconditions,
  scimProblem,
  uniquenessProblem,
  type PatchOperation,
  type Preconditions,
} from '#libs/scim';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../../common/account-lock.js';
import { actorOf, Audit } from '../../audit/audit.js';
import { TeamMembers } from '../../team/team-members.js';
import { TeamService } from '../../team/team.service.js';
import { addedIds, readGroup, readGroupPatch, type GroupAttributes, type PresentMembers } from './group-attributes.js';
import { resourceResponse } from '../responses.js';
import { ScimGroupRows, toMember, toScimGroup, type ScimGroupRow } from './scim-group-rows.js';

const WITHOUT_MEMBERS: ScimProjection = { excludedAttributes: ['members'] };

/** Handles requests of identity providers about groups, which are teams here. Each runs in one transaction. */
@Injectable()
export class ScimGroups {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimGroupRows,
    private readonly teams: TeamService,
    private readonly members: TeamMembers,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  async get({ accountId }: Principal, id: string, projection: ScimProjection): Promise<ScimResponse> {
    return resourceResponse(toScimGroup(await this.rows.get(accountId, id, projection)), projection);
  }

  /**
   * @throws Problem `validation`; `conflict` if another group has the name; `unknown-user` or `inactive-user` for
   * members
   */
  async create(principal: Principal, { body, view }: ScimWrite): Promise<ScimResponse> {
    const { displayName, ...attributes } = readGroup(body);
    if (displayName === undefined) throw scimProblem('invalidValue', 'displayName is required.');
    const { id } = await mapNameConflict(() => this.teams.create(principal, displayName));
    await this.apply(principal, await this.rows.get(principal.accountId, id, WITHOUT_MEMBERS), attributes);
    // A new group is shown as last modified when created (RFC 7643, 3.1).
    await sql`update team set updated_at = null where id = ${id}`.execute(this.em.getKysely());
    return this.get(principal, id, view);
  }

  /** Keeps the members if the request has no `members`. @throws Problem as `change` does */
  async replace(principal: Principal, id: string, request: ScimWrite): Promise<ScimResponse> {
    const attributes = readGroup(request.body);
    if (attributes.displayName === undefined) throw scimProblem('invalidValue', 'displayName is required.');
    await this.apply(principal, await this.expect(principal, id, request), attributes);
    return this.get(principal, id, request.view);
  }

  /**
   * Responds without the group unless the client asks for attributes, because groups can be large.
   * @throws Problem `validation`, `not-found`, `precondition-failed`, `conflict`, `unknown-user` or `inactive-user`
   */
  async change(principal: Principal, id: string, request: ScimWrite): Promise<ScimResponse> {
    const operations = parsePatch(request.body);
    const before = await this.expect(principal, id, request);
    const present = await this.presentMembers(principal, id, operations, request.baseUrl);
    await this.apply(principal, before, readGroupPatch(operations, present));
    if (request.view.attributes?.length) return this.get(principal, id, request.view);
    const { meta } = toScimGroup(await this.rows.get(principal.accountId, id, WITHOUT_MEMBERS));
    return { id, version: meta.version };
  }

  /** @throws Problem `not-found`, `precondition-failed` */
  async remove(principal: Principal, id: string, request: ScimWrite): Promise<ScimResponse> {
    await this.expect(principal, id, request);
    await this.teams.remove(principal, id);
    return {};
  }

  private async expect({ accountId }: Principal, id: string, preconditions: Preconditions): Promise<ScimGroupRow> {
    // This locks the team before its members; deletions of users lock in the opposite order. Both lock the account
    // first.
    await lockAccount(this.em, accountId);
    await this.rows.lock(accountId, id);
    const row = await this.rows.get(accountId, id, WITHOUT_MEMBERS);
    requirePreconditions(preconditions, toScimGroup(row).meta.version);
    return row;
  }

  private async presentMembers(
    { accountId }: Principal,
    id: string,
    operations: readonly PatchOperation[],
    baseUrl: string | undefined,
  ): Promise<PresentMembers> {
    const ids = await this.rows.memberIds(id);
    // Names and addresses are needed only for filters.
    const filtered = operations.some(({ path }) => path.filter);
    const people = filtered ? await this.rows.people(accountId, [...ids, ...operations.flatMap(addedIds)]) : [];
    const shown = new Map(people.map((one) => [one.id, toMember(one, baseUrl)]));
    const show = (value: string) => shown.get(value) ?? { value };
    return { members: new Map(ids.map((one) => [one, show(one)])), show };
  }

  private async apply(principal: Principal, before: ScimGroupRow, attributes: GroupAttributes): Promise<void> {
    const { displayName, externalId, members } = attributes;
    if (displayName !== undefined && displayName !== before.name)
      await mapNameConflict(() => this.teams.rename(principal, before.id, displayName));
    if (externalId !== undefined && externalId !== before.external_id)
      await this.link(principal, before.id, externalId);
    if (members) await this.setMembers(principal, before.id, [...members.keys()]);
  }

  private async link(principal: Principal, teamId: string, externalId: string | null): Promise<void> {
    const now = this.clock.now();
    await sql`update team set external_id = ${externalId}, updated_at = ${now} where id = ${teamId}`.execute(
      this.em.getKysely(),
    );
    const { accountId } = principal;
    await this.audit.append([{ accountId, action: 'team.linked', ...actorOf(principal), detail: { teamId } }]);
  }

  private async setMembers(principal: Principal, teamId: string, after: readonly string[]): Promise<void> {
    const before = await this.rows.memberIds(teamId);
    const add = difference(after, before);
    const remove = difference(before, after);
    if (add.length + remove.length > 0) await this.members.change(principal, teamId, { add, remove });
  }
}

async function mapNameConflict<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict')
      throw uniquenessProblem('Another group has this displayName.');
    throw error;
  }
}

function difference(ids: readonly string[], others: readonly string[]): string[] {
  const excluded = new Set(others);
  return ids.filter((id) => !excluded.has(id));
}
