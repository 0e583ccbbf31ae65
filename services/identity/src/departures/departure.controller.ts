import { Controller } from '@nestjs/common';
import { Answers, Handles, Prepares, type PrepareAgain } from '#libs/broker';
import {
  departureEvents,
  departurePreview,
  departuresCancel,
  departuresGet,
  departuresList,
  departuresRetry,
  departuresVerify,
  usersDeactivate,
  usersDelete,
  usersOverview,
  usersReactivate,
  usersRemove,
  verificationsGet,
  type CallOf,
  type Departure,
  type DepartureEvent,
  type DeparturePreview,
  type Page,
  type StartedVerification,
  type UserOverview,
  type Verification,
} from '#libs/contracts';
import { Schedule } from './decide/schedule/schedule.js';
import { DepartureCommands } from './decide/departure-commands.js';
import { ReactivationCommands } from './decide/reactivation-commands.js';
import { DeparturePreviews } from './plan/departure-preview.js';
import type { Prepared } from './plan/preflight.js';
import { DepartureQueries } from './store/departure-queries.js';
import { Progress } from './store/progress.js';
import { DepartureRetry } from './decide/retry.js';
import { Verifications } from './track/verifications.js';

@Controller()
export class DepartureController {
  constructor(
    private readonly commands: DepartureCommands,
    private readonly reactivations: ReactivationCommands,
    private readonly previews: DeparturePreviews,
    private readonly departures: DepartureQueries,
    private readonly schedule: Schedule,
    private readonly retries: DepartureRetry,
    private readonly verifications: Verifications,
    private readonly progress: Progress,
  ) {}

  @Handles(departurePreview)
  preview({ principal, params, query }: CallOf<typeof departurePreview>): Promise<DeparturePreview> {
    return this.previews.preview(principal, params.id!, query.transition);
  }

  @Handles(usersOverview)
  overview({ principal, params }: CallOf<typeof usersOverview>): Promise<UserOverview> {
    return this.previews.overview(principal.accountId, params.id!);
  }

  @Prepares(usersDeactivate)
  prepareDeactivation({ principal, params, body }: CallOf<typeof usersDeactivate>): Promise<Prepared | undefined> {
    return this.commands.prepare(principal, params.id!, 'deactivated', body);
  }

  @Handles(usersDeactivate)
  deactivate(
    { principal, params, body }: CallOf<typeof usersDeactivate>,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    return this.commands.decide(principal, params.id!, 'deactivated', body, prepared);
  }

  @Prepares(usersDelete)
  prepareDeletion({ principal, params, body }: CallOf<typeof usersDelete>): Promise<Prepared | undefined> {
    return this.commands.prepare(principal, params.id!, 'deleted', body);
  }

  @Handles(usersDelete)
  delete(
    { principal, params, body }: CallOf<typeof usersDelete>,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    return this.commands.decide(principal, params.id!, 'deleted', body, prepared);
  }

  @Prepares(usersRemove)
  prepareRemoval({ principal, params }: CallOf<typeof usersRemove>): Promise<Prepared | undefined> {
    return this.commands.prepare(principal, params.id!, 'deleted', {});
  }

  @Handles(usersRemove)
  remove(
    { principal, params }: CallOf<typeof usersRemove>,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    return this.commands.decide(principal, params.id!, 'deleted', {}, prepared);
  }

  @Handles(usersReactivate)
  reactivate({ principal, params, body }: CallOf<typeof usersReactivate>): Promise<Departure> {
    return this.reactivations.reactivate(principal, params.id!, body);
  }

  @Handles(departuresList)
  list({ principal, query }: CallOf<typeof departuresList>): Promise<Page<Departure>> {
    return this.departures.page(principal.accountId, query);
  }

  @Handles(departuresGet)
  get({ principal, params }: CallOf<typeof departuresGet>): Promise<Departure> {
    return this.departures.view(principal.accountId, params.id!);
  }

  @Handles(departuresCancel)
  cancel({ principal, params }: CallOf<typeof departuresCancel>): Promise<Departure> {
    return this.schedule.cancel(principal, params.id!);
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
