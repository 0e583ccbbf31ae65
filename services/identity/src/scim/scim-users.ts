import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type Principal, type ScimAnswer, type ScimView, type ScimWrite } from '#libs/contracts';
import { lockAccount } from '../common/account-lock.js';
import { Audit, actorOf } from '../audit/audit.js';
import { DepartureCommands } from '../departures/decide/departure-commands.js';
import { ReactivationCommands } from '../departures/decide/reactivation-commands.js';
import { OWNS_NOTHING, type Prepared } from '../departures/plan/preflight.js';
import { Sessions } from '../session/sessions.js';
import { UserRows } from '../user/user-rows.js';
import { UserService } from '../user-management/user.service.js';
import { answerOf, requireVersion } from './answers.js';
import { readUser, readUserPatch, type AssertedUser } from './asserted-user.js';
import { scimProblem, taken } from './faults.js';
import { newProfile } from './scim-profile.js';
import { ScimProfiles } from './scim-profiles.js';
import { ScimUserRows, type ScimUserRow } from './scim-user-rows.js';
import { isActive, toScimUser, versionOf } from './scim-user-view.js';

const SHORTEST_PASSWORD = 8;

/** What an identity provider does to users, each request in one transaction. */
@Injectable()
export class ScimUsers {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimUserRows,
    private readonly users: UserRows,
    private readonly newUsers: UserService,
    private readonly profiles: ScimProfiles,
    private readonly departures: DepartureCommands,
    private readonly reactivations: ReactivationCommands,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  async get({ accountId }: Principal, id: string, view: ScimView): Promise<ScimAnswer> {
    return answerOf(toScimUser(await this.rows.get(accountId, id)), view);
  }

  /**
   * Makes a user, or brings back somebody deactivated who is known by the external id or else by the user name.
   * @throws Problem `validation`, `conflict` or `duplicate-…` for somebody who is there, `no-free-seat`
   */
  async create(principal: Principal, { body, view }: ScimWrite): Promise<ScimAnswer> {
    const { accountId } = principal;
    const asserted = readUser(body);
    const profile = newProfile(asserted);
    // Of two requests for the same person the second one finds what the first has made.
    await lockAccount(this.em, accountId);
    const known = await this.rows.known(accountId, profile.externalId, profile.userName);
    if (known && (isActive(known) || asserted.active === false))
      throw taken('There is a user with this userName or externalId.');
    if (known) {
      await this.reactivations.reactivate(principal, known.id);
      await this.profiles.change(principal, known.id, asserted, true);
      return this.get(principal, known.id, view);
    }
    const { userName, email, displayName: name, staffId, externalId } = profile;
    const password = passwordOf(asserted);
    const { id } = await this.newUsers.invite(principal, { name, email, staffId, ...(password && { password }) });
    await this.profiles.note(id, { userName, email, externalId, name: profile.name });
    if (asserted.active === false) await this.departures.decide(principal, id, 'deactivated', {}, OWNS_NOTHING);
    return this.get(principal, id, view);
  }

  /**
   * What the other services say of somebody whom the request deactivates; undefined for any other change.
   * @throws Problem `not-found`, `service-unavailable`
   */
  async prepareChange(
    principal: Principal,
    id: string,
    { active }: Pick<AssertedUser, 'active'>,
  ): Promise<Prepared | undefined> {
    if (active !== false || !isActive(await this.rows.get(principal.accountId, id))) return undefined;
    return this.departures.prepare(principal, id, 'deactivated', {});
  }

  /**
   * The same of somebody who is to be deleted.
   * @throws Problem as `prepareChange` does
   */
  async prepareRemoval(principal: Principal, id: string): Promise<Prepared | undefined> {
    await this.rows.get(principal.accountId, id);
    return this.departures.prepare(principal, id, 'deleted', {});
  }

  /** @throws Problem as `change` does */
  replace(
    principal: Principal,
    id: string,
    request: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimAnswer | PrepareAgain> {
    const asserted = readUser(request.body);
    if (asserted.userName === undefined) throw scimProblem('invalidValue', 'userName is required.');
    return this.apply(principal, id, request, { ...asserted, whole: true }, prepared);
  }

  /** @throws Problem `validation`, `not-found`, `precondition-failed`, `conflict`, `no-free-seat` or a guard's */
  change(
    principal: Principal,
    id: string,
    request: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimAnswer | PrepareAgain> {
    return this.apply(principal, id, request, { ...readUserPatch(request.body), whole: false }, prepared);
  }

  /** @throws Problem `not-found`, `precondition-failed` or a guard's */
  async remove(
    principal: Principal,
    id: string,
    { ifMatch }: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimAnswer | PrepareAgain> {
    await this.expect(principal, id, ifMatch);
    return (await this.leave(principal, id, 'deleted', prepared)) ?? {};
  }

  private async apply(
    principal: Principal,
    id: string,
    { ifMatch, view }: ScimWrite,
    { whole, ...asserted }: AssertedUser & { whole: boolean },
    prepared: Prepared | undefined,
  ): Promise<ScimAnswer | PrepareAgain> {
    const before = await this.expect(principal, id, ifMatch);
    if (asserted.active === false && isActive(before)) {
      const refused = await this.leave(principal, id, 'deactivated', prepared);
      if (refused) return refused;
    }
    if (asserted.active === true && !isActive(before)) await this.comeBack(principal, id);
    await this.profiles.change(principal, id, asserted, whole);
    return this.get(principal, id, view);
  }

  /** The user as they are; while a version is asked for, nobody changes them from here on. */
  private async expect({ accountId }: Principal, id: string, ifMatch: string | undefined): Promise<ScimUserRow> {
    const row = await this.rows.get(accountId, id);
    if (ifMatch === undefined) return row;
    await lockAccount(this.em, accountId);
    await this.users.lock([id], 'leave');
    const locked = await this.rows.get(accountId, id);
    requireVersion(ifMatch, versionOf(locked));
    return locked;
  }

  /**
   * Undefined when they have left. The last owner stays, but is signed out everywhere at once: that has to last, so it
   * is told in an answer.
   */
  private async leave(
    principal: Principal,
    id: string,
    transition: 'deactivated' | 'deleted',
    prepared: Prepared | undefined,
  ): Promise<ScimAnswer | PrepareAgain | undefined> {
    try {
      const departure = await this.departures.decide(principal, id, transition, {}, prepared);
      return departure === PREPARE_AGAIN ? departure : undefined;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Somebody else has done the same in between.
      if (transition === 'deactivated' && error.code === 'conflict' && (await this.hasLeft(principal, id)))
        return undefined;
      if (error.code !== 'sole-owner') throw error;
      await this.sessions.endAll([id]);
      const { accountId } = principal;
      const detail = { reason: error.code };
      await this.audit.append([{ accountId, action: 'sessions.ended', ...actorOf(principal), subjectId: id, detail }]);
      return { refused: error.toBody() };
    }
  }

  private async comeBack(principal: Principal, id: string): Promise<void> {
    try {
      await this.reactivations.reactivate(principal, id);
    } catch (error) {
      const done = error instanceof Problem && error.code === 'conflict' && !(await this.hasLeft(principal, id));
      if (!done) throw error;
    }
  }

  private async hasLeft({ accountId }: Principal, id: string): Promise<boolean> {
    return !isActive(await this.rows.get(accountId, id));
  }
}

function passwordOf({ password }: AssertedUser): string | undefined {
  if (password !== undefined && password.length < SHORTEST_PASSWORD)
    throw scimProblem('invalidValue', `password must have ${SHORTEST_PASSWORD} characters at least.`);
  return password;
}
