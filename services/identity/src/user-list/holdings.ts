import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { holdingsOf, Problem, type HeldRows, type Holding, type UncountedService } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Catalogue } from '../catalogue/catalogue.js';

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
    const services = userIds.length === 0 ? [] : await this.catalogue.otherServices();
    const answers = services.map(async (service) => {
      const answer = await this.client.ask(holdingsOf(service), { accountId, userIds: [...userIds] });
      for (const { userId, rows } of answer.held) held.set(userId, [...(held.get(userId) ?? []), { service, rows }]);
    });
    for (const [at, outcome] of (await Promise.allSettled(answers)).entries())
      if (outcome.status === 'rejected') uncounted.push({ service: services[at]!, reason: reasonOf(outcome.reason) });
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

/** @throws the error, if it is none of a service that does not answer */
function reasonOf(error: unknown): string {
  if (error instanceof Problem && error.code === 'service-unavailable') return error.message;
  throw error;
}
