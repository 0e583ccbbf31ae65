import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { departuresBulkPlanned, type CallOf, type StartedBulk } from '#libs/contracts';
import { BulkDepartures } from '../bulk-departures.js';
import { ListTelling } from '../list-telling.js';
import { DryRuns } from './dry-runs.js';

const operation = departuresBulkPlanned();
type PlannedCall = CallOf<typeof operation>;

/** Dry runs of bulk departures, and bulk departures with the plan token of one. */
@Controller()
export class DryRunController {
  constructor(
    private readonly dryRuns: DryRuns,
    private readonly bulks: BulkDepartures,
    private readonly telling: ListTelling,
  ) {}

  @Prepares(operation)
  async prepare({ principal, query, body }: PlannedCall): Promise<void> {
    await this.telling.check(principal.accountId, body);
    await this.dryRuns.prepare(principal, query, body);
  }

  @Handles(operation)
  start({ principal, query, body }: PlannedCall): Promise<StartedBulk> {
    return query.dryRun ? this.dryRuns.start(principal, query, body) : this.bulks.start(principal, query, body);
  }
}
