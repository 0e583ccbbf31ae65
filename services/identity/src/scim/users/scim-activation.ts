import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type ScimResponse } from '#libs/contracts';
import { Audit, actorOf } from '../../audit/audit.js';
import { DepartureCommands } from '../../departures/decide/departure-commands.js';
import { ReactivationCommands } from '../../departures/decide/reactivation-commands.js';
import { RepeatedDeactivations } from '../../departures/decide/repeated-deactivations.js';
import type { Prepared } from '../../departures/plan/preflight.js';
import { Suspensions } from '../../user-management/suspensions.js';
import { Sessions } from '../../session/sessions.js';
import { asOwner, type Provider } from '../provider.js';
import { ScimUserRows, type ScimUserRow } from './scim-user-rows.js';

/**
 * Takes access from users and gives it back for identity providers, whose requests may come twice: by deactivation and
 * reactivation, or, if the policy says so, by suspension. Owners can be deactivated, suspended and deleted, too, and are never
 * let in again.
 */
@Injectable()
export class ScimActivation {
  constructor(
    private readonly rows: ScimUserRows,
    private readonly departures: DepartureCommands,
    private readonly reactivations: ReactivationCommands,
    private readonly repeated: RepeatedDeactivations,
    private readonly suspensions: Suspensions,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  /**
   * Asks the other services about a user whom a request deactivates; undefined for any other request.
   * @throws Problem `service-unavailable`
   */
  async prepareDeactivation(
    provider: Provider,
    row: ScimUserRow,
    active: boolean | undefined,
  ): Promise<Prepared | undefined> {
    if (active !== false || !row.active || row.suspends) return undefined;
    return this.departures.prepare(asOwner(provider), row.id, 'deactivated', {});
  }

  /** @throws Problem `not-found`, `service-unavailable` */
  async prepareDeletion(provider: Provider, id: string): Promise<Prepared | undefined> {
    await this.rows.get(provider.accountId, id);
    return this.departures.prepare(asOwner(provider), id, 'deleted', {});
  }

  /**
   * Deactivates the user, or suspends them if the account's policy says so. Returns undefined on success, also for a user who
   * has no access already.
   * @throws Problem of a guard
   */
  async keepOut(
    provider: Provider,
    row: ScimUserRow,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain | undefined> {
    if (row.status === 'deactivated') return this.keepAway(provider, row.id);
    if (!row.active) return undefined;
    if (!row.suspends) return this.leave(provider, row.id, 'deactivated', prepared);
    try {
      await this.suspensions.suspend(asOwner(provider), row.id);
      return undefined;
    } catch (error) {
      // Another request has deactivated the user meanwhile.
      if (error instanceof Problem && error.code === 'inactive-user' && (await this.hasLeft(provider, row.id)))
        return this.keepAway(provider, row.id);
      return this.endSessions(provider, row.id, error);
    }
  }

  /**
   * Deactivates or deletes the user, and returns undefined on success. The last owner stays, and so does a user under legal
   * hold of whom something would be destroyed, but their sessions end immediately. Because this must be committed, the
   * refusal is returned instead of thrown.
   * @throws Problem of a guard
   */
  async leave(
    provider: Provider,
    id: string,
    transition: 'deactivated' | 'deleted',
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain | undefined> {
    try {
      const departure = await this.departures.decide(asOwner(provider), id, transition, {}, prepared);
      return departure === PREPARE_AGAIN ? departure : undefined;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // A concurrent request has done the same.
      if (transition === 'deactivated' && error.code === 'conflict' && (await this.hasLeft(provider, id)))
        return this.keepAway(provider, id);
      return this.endSessions(provider, id, error);
    }
  }

  /** Calls off the scheduled return of a deactivated user, if there is one. */
  private async keepAway(provider: Provider, id: string): Promise<undefined> {
    await this.repeated.callOffReturn(asOwner(provider), id, {});
  }

  /** @throws Problem `no-free-seat` */
  async letIn(provider: Provider, { id, status }: ScimUserRow): Promise<void> {
    if (status !== 'deactivated') return this.suspensions.resume(provider, id);
    try {
      await this.reactivations.reactivate(provider, id);
    } catch (error) {
      const done = error instanceof Problem && error.code === 'conflict' && !(await this.hasLeft(provider, id));
      if (!done) throw error;
    }
  }

  /** @throws the error, unless it is a guard's that leaves the user only without sessions */
  private async endSessions(provider: Provider, id: string, error: unknown): Promise<ScimResponse> {
    if (!(error instanceof Problem) || (error.code !== 'sole-owner' && error.code !== 'legal-hold')) throw error;
    await this.sessions.endAll([id]);
    const { accountId } = provider;
    const detail = { reason: error.code };
    await this.audit.append([{ accountId, action: 'sessions.ended', ...actorOf(provider), subjectId: id, detail }]);
    return { refused: error.toBody() };
  }

  private async hasLeft({ accountId }: Provider, id: string): Promise<boolean> {
    const { status } = await this.rows.get(accountId, id);
    return status === 'deactivated';
  }
}
