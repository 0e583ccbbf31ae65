import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { contactsTold, type ContactsTold } from '#libs/contracts';
import { Log, safeErrorFields } from '#libs/observability';
import { DepartureQueries } from '../store/departure-queries.js';

/** Counts the contacts that departures have told. The messaging service sends the texts and counts them. */
@Injectable()
export class ToldContacts {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly client: ServiceClient,
    private readonly log: Log,
  ) {}

  /** Undefined for a departure that tells nobody or has not begun, and if the messaging service does not answer. */
  async of(accountId: string, departureId: string): Promise<ContactsTold | undefined> {
    if (!(await this.departures.tellsContacts(accountId, departureId))) return undefined;
    try {
      return await this.client.ask(contactsTold, { accountId, departureId });
    } catch (error) {
      this.log.warn({ departure: departureId, ...safeErrorFields(error) }, 'contacts told could not be counted');
      return undefined;
    }
  }
}
