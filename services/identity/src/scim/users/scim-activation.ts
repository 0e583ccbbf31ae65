import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type ScimResponse } from '#libs/contracts';
import { Audit, actorOf } from '../../audit/audit.js';
import { DepartureCommands } from '../../departures/decide/departure-commands.js';
import { ReactivationCommands } from '../../departures/decide/reactivation-commands.js';
import { RepeatedDeactivations } from '../../departures/decide/repeated-deactivations.js';
import type { Prepared } from '../../departures/plan/preflight.js';
import { Sessions } from '../../session/sessions.js';
import { asOwner, type Provider } from '../provider.js';
import { ScimUserRows, type ScimUserRow } from './scim-user-rows.js';
import { isActive } from './scim-user-view.js';

/**
 * Deactivates, deletes and reactivates users for identity providers, whose requests may come twice. Owners can be deactivated
 * and deleted, too, and never reactivated.
 */
@Injectable()
export class ScimActivation {
  constructor(
    private readonly rows: ScimUserRows,
    private readonly departures: DepartureCommands,
    private readonly reactivations: ReactivationCommands,
    private readonly repeated: RepeatedDeactivations,
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
    if (active !== false || !isActive(row)) return undefined;
    return this.departures.prepare(asOwner(provider), row.id, 'deactivated', {});
  }

  /** @throws Problem `not-found`, `service-unavailable` */
  async prepareDeletion(provider: Provider, id: string): Promise<Prepared | undefined> {
    await this.rows.get(provider.accountId, id);
    return this.departures.prepare(asOwner(provider), id, 'deleted', {});
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
      if (error.code !== 'sole-owner' && error.code !== 'legal-hold') throw error;
      await this.sessions.endAll([id]);
      const { accountId } = provider;
      const detail = { reason: error.code };
      await this.audit.append([{ accountId, action: 'sessions.ended', ...actorOf(provider), subjectId: id, detail }]);
      return { refused: error.toBody() };
    }
  }

  /** Calls off the scheduled return of a deactivated user, if there is one. */
  async keepAway(provider: Provider, id: string): Promise<undefined> {
    await this.repeated.callOffReturn(asOwner(provider), id, {});
  }

  /** @throws Problem `no-free-seat` */
  async reactivate(provider: Provider, id: string): Promise<void> {
    try {
      await this.reactivations.reactivate(provider, id);
    } catch (error) {
      const done = error instanceof Problem && error.code === 'conflict' && !(await this.hasLeft(provider, id));
      if (!done) throw error;
    }
  }

  private async hasLeft({ accountId }: Provider, id: string): Promise<boolean> {
    return !isActive(await this.rows.get(accountId, id));
  }
}
