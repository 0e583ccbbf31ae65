import { Injectable } from '@nestjs/common';
import { Outbox } from '#libs/outbox';
import type { UserEvent } from '#libs/contracts';
import { UserEvents } from '../../user/user-events.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { FirstAdmins, namesFirstAdmin } from '../plan/first-admins.js';
import { tellingOf, type DepartureRow } from '../store/departure-row.js';
import type { ServiceState } from '../store/receipt-lines.js';
import { REMAINING } from '../store/service-states.js';

/** Publishes the event of a decision again, in a new round of its departure. */
@Injectable()
export class RepeatedEvents {
  constructor(
    private readonly users: UserRows,
    private readonly events: UserEvents,
    private readonly outbox: Outbox,
    private readonly firstAdmins: FirstAdmins,
  ) {}

  /** The original events with their own seq, the departures' current rounds and the first admins of now. */
  async of(departures: readonly DepartureRow[]): Promise<UserEvent[]> {
    const users = await this.users.byIds(departures.map((departure) => departure.user_id));
    const byId = new Map(users.map((user) => [user.id, user]));
    const firstAdmins = await this.firstAdmins.of(
      departures.map((departure) => departure.account_id),
      [],
    );
    return departures.map((departure) =>
      this.repeat(byId.get(departure.user_id)!, departure, firstAdmins.get(departure.account_id)),
    );
  }

  /** Publishes the events to all services, except identity, that have not answered. */
  async publish(
    departures: readonly DepartureRow[],
    events: readonly UserEvent[],
    states: readonly ServiceState[],
  ): Promise<void> {
    const targets = Map.groupBy(states.filter(isAwaited), (state) => state.departure_id);
    await this.outbox.republish(
      departures.flatMap(({ id }, index) => {
        const services = targets.get(id)?.map((state) => state.service) ?? [];
        return services.length > 0 ? [{ event: events[index]!, targets: services }] : [];
      }),
    );
  }

  private repeat(user: UserRow, departure: DepartureRow, firstAdminId: string | undefined): UserEvent {
    const {
      id,
      steps,
      active_since: activeSince,
      was_manager: wasManager,
      policy,
      address_digest: addressDigest,
      conversion,
      wishes: { restore, takenOverAt },
      lifecycle_version: lifecycleVersion,
      seq,
      round,
    } = departure;
    const tellContacts = tellingOf(departure);
    const facts = {
      id,
      steps,
      activeSince,
      wasManager,
      policy,
      ...(addressDigest && { hasAddress: true as const }),
      ...(firstAdminId && namesFirstAdmin(departure.transition) && { firstAdminId }),
      ...(conversion && { conversion }),
      ...(restore && { restore }),
      ...(tellContacts && { tellContacts }),
      ...(takenOverAt !== undefined && { takenOverAt }),
      round,
    };
    const event = this.events.userEvent(
      { ...user, seq, lifecycle_version: lifecycleVersion },
      `user.${departure.transition}`,
      facts,
    );
    // Delayed effects are due relative to the decision, not to its repetition.
    return { ...event, time: new Date(departure.begun_at ?? departure.effective_at).toISOString() };
  }
}

/** A service whose proof alone has failed does not run its rules again. */
const isAwaited = ({ service, status, error }: ServiceState): boolean =>
  service !== 'identity' && status !== 'completed' && status !== 'retired' && error !== REMAINING;
