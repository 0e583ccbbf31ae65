import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { holdingsOf, type HeldRows, type Holding, type UncountedService } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Catalogue } from '../catalogue/catalogue.js';
import { answersOf } from '../common/answering-services.js';

interface Held {
  /** By user, only those who hold something. */
  holdings: ReadonlyMap<string, Holding>;
  uncounted: UncountedService[];
}

/** Asks the other services how many rows users hold: one question for each service, whatever the number of users. */
@Injectable()
export class Holdings {
  constructor(
    private readonly client: ServiceClient,
    private readonly catalogue: Catalogue,
    private readonly clock: Clock,
  ) {}

  async of(accountId: string, userIds: readonly string[]): Promise<Held> {
    const held = new Map<string, HeldRows[]>();
    const uncounted: UncountedService[] = [];
    const countedAt = this.clock.now().toISOString();
    const services = userIds.length === 0 ? [] : await this.catalogue.participants();
    const ask = async (service: string) => {
      const answer = await this.client.ask(holdingsOf(service), { accountId, userIds: [...userIds] });
      for (const { userId, rows } of answer.held) held.set(userId, [...(held.get(userId) ?? []), { service, rows }]);
    };
    await answersOf(services, ask, { uncounted });
    return {
      uncounted,
      holdings: new Map([...held].map(([userId, rows]) => [userId, { ...totalOf(rows), countedAt }])),
    };
  }
}

const totalOf = (services: HeldRows[]): Omit<Holding, 'countedAt'> => ({
  rows: services.reduce((sum, { rows }) => sum + rows, 0),
  services: services.sort((one, other) => one.service.localeCompare(other.service)),
});
