import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type Departure, type ScimResponse } from '#libs/contracts';
import { ProviderDeletions } from '../../departures/decide/approval/provider-deletions.js';
import { DepartureCommands } from '../../departures/decide/departure-commands.js';
import { ReactivationCommands } from '../../departures/decide/reactivation-commands.js';
import { RepeatedDeactivations } from '../../departures/decide/repeated-deactivations.js';
import type { Prepared } from '../../departures/plan/preflight.js';
import { Suspensions } from '../../user-management/suspensions.js';
import { asOwner, type Provider } from '../provider.js';
import { RefusedLeavers } from './refused-leavers.js';
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
    private readonly deletions: ProviderDeletions,
    private readonly suspensions: Suspensions,
    private readonly refused: RefusedLeavers,
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
      return this.refused.endSessions(provider, row.id, error);
    }
  }

  /**
   * Deactivates or deletes the user, and returns undefined on success. A deletion that needs an approval waits, and the user is
   * suspended. The last owner stays, and so does a user under legal
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
      if (departure === PREPARE_AGAIN) return departure;
      if (departure.status === 'awaiting-approval') await this.suspendUntilApproved(provider, departure);
      return undefined;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // Providers repeat their requests. The deletion waits already, and the user is let in nowhere.
      if (transition === 'deleted' && error.code === 'conflict' && (await this.deletions.isWaiting(id)))
        return this.suspend(provider, id);
      // A concurrent request has done the same.
      if (transition === 'deactivated' && error.code === 'conflict' && (await this.hasLeft(provider, id)))
        return this.keepAway(provider, id);
      return this.refused.endSessions(provider, id, error);
    }
  }

  /** The provider's word ends access at once. Only the data waits for the approval. */
  private async suspendUntilApproved(provider: Provider, departure: Departure): Promise<void> {
    await this.suspend(provider, departure.userId);
    await this.deletions.rebind(provider.accountId, departure);
  }

  private async suspend(provider: Provider, id: string): Promise<undefined> {
    const { status } = await this.rows.get(provider.accountId, id);
    if (status === 'active' || status === 'invited') await this.suspensions.suspend(asOwner(provider), id);
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

  private async hasLeft({ accountId }: Provider, id: string): Promise<boolean> {
    const { status } = await this.rows.get(accountId, id);
    return status === 'deactivated';
  }
}
