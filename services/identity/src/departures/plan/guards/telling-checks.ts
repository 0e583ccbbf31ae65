import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { numbersForTelling, Problem, type Telling } from '#libs/contracts';

/** Checks what the contacts of a leaver are to be told. Asks the telephony service, so it comes before a transaction. */
@Injectable()
export class TellingChecks {
  constructor(private readonly client: ServiceClient) {}

  /**
   * @param userIds all who leave
   * @throws Problem `unknown-reference` for an alternative number that is not the account's or that is the leaver's;
   *   `service-unavailable`
   */
  async check(accountId: string, userIds: readonly string[], telling: Telling | undefined): Promise<void> {
    const { alternativeNumber } = telling ?? {};
    if (alternativeNumber === undefined) return;
    const [userId] = userIds;
    if (userId === undefined) return;
    const { alternative } = await this.client.ask(numbersForTelling, { accountId, userId, alternativeNumber });
    const { ownerId, destinationUserId } = alternative ?? {};
    if (alternative && !userIds.some((id) => id === ownerId || id === destinationUserId)) return;
    throw new Problem('unknown-reference', {
      detail: 'As the alternative number, name an assigned number of this account that is not the leaver’s.',
      items: [alternativeNumber],
    });
  }
}
