import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  departureEvents,
  departureRows,
  departuresCancel,
  departuresList,
  departuresRetry,
  departuresUpdate,
  departuresVerify,
  verificationsGet,
  type AffectedRows,
  type CallOf,
  type Departure,
  type DepartureEvent,
  type DepartureSummary,
  type Page,
  type StartedVerification,
  type Verification,
} from '#libs/contracts';
import { DepartureRetry } from './decide/retry.js';
import { Cancellations } from './decide/schedule/cancellations.js';
import { ScheduleChanges } from './decide/schedule/schedule-changes.js';
import { RowsBehindCounts } from './plan/preview/rows-behind-counts.js';
import { DepartureQueries } from './store/departure-queries.js';
import { Progress } from './store/progress.js';
import { Verifications } from './track/verifications.js';

/** Calls about departures that have been decided or scheduled. */
@Controller()
export class DepartureController {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly changes: ScheduleChanges,
    private readonly cancellations: Cancellations,
    private readonly retries: DepartureRetry,
    private readonly verifications: Verifications,
    private readonly progress: Progress,
    private readonly behindCounts: RowsBehindCounts,
  ) {}

  @Handles(departuresList)
  list({ principal, query }: CallOf<typeof departuresList>): Promise<Page<DepartureSummary>> {
    return this.departures.page(principal.accountId, query);
  }

  @Handles(departureRows)
  rows({ principal, params, query }: CallOf<typeof departureRows>): Promise<AffectedRows> {
    return this.behindCounts.ofDeparture(principal, params.id!, query);
  }

  @Handles(departuresUpdate)
  update({ principal, params, body }: CallOf<typeof departuresUpdate>): Promise<Departure> {
    return this.changes.change(principal, params.id!, body);
  }

  @Handles(departuresCancel)
  cancel({ principal, params }: CallOf<typeof departuresCancel>): Promise<Departure> {
    return this.cancellations.cancel(principal, params.id!);
  }

  @Handles(departuresRetry)
  retry({ principal, params }: CallOf<typeof departuresRetry>): Promise<Departure> {
    return this.retries.retry(principal, params.id!);
  }

  @Handles(departuresVerify)
  verify({ principal }: CallOf<typeof departuresVerify>): Promise<StartedVerification> {
    return this.verifications.start(principal);
  }

  @Handles(verificationsGet)
  verification({ principal, params }: CallOf<typeof verificationsGet>): Promise<Verification> {
    return this.verifications.get(principal.accountId, params.id!);
  }

  @Answers(departureEvents)
  events({ accountId, departureId, after }: { accountId: string; departureId: string; after: number }): Promise<{
    events: DepartureEvent[];
    final: boolean;
  }> {
    return this.progress.since(accountId, departureId, after);
  }
}
