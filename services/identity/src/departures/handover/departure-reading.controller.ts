import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { departuresGet, type CallOf, type Departure } from '#libs/contracts';
import { DepartureQueries } from '../store/departure-queries.js';
import { ToldContacts } from './told-contacts.js';

/** Shows a single departure, with what other services know of it. */
@Controller()
export class DepartureReadingController {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly told: ToldContacts,
  ) {}

  @Handles(departuresGet)
  async get({ principal: { accountId }, params }: CallOf<typeof departuresGet>): Promise<Departure> {
    const departure = await this.departures.view(accountId, params.id!);
    const contactsTold = await this.told.of(accountId, departure.id);
    return { ...departure, ...(contactsTold && { contactsTold }) };
  }
}
