import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { numbersForTelling, Problem, type Telling } from '#libs/contracts';

/** Checks what the contacts of a leaver are to be told. Asks the telephony service, so it comes before a transaction. */
@Injectable()
export class TellingChecks {
  constructor(private readonly client: ServiceClient) {}

  /**
   * @throws Problem `unknown-reference` for an alternative number that is not the account's or that is the leaver's;
   *   `service-unavailable`
   */
  async check(accountId: string, userId: string, telling: Telling | undefined): Promise<void> {
    const { alternativeNumber } = telling ?? {};
    if (alternativeNumber === undefined) return;
    const { alternative } = await this.client.ask(numbersForTelling, { accountId, userId, alternativeNumber });
    if (alternative && alternative.ownerId !== userId && alternative.destinationUserId !== userId) return;
    throw new Problem('unknown-reference', {
      detail: 'As the alternative number, name an assigned number of this account that is not the leaver’s.',
      items: [alternativeNumber],
    });
  }
}
