import { Controller } from '@nestjs/common';
import { Handles, Prepares, type PrepareAgain } from '#libs/broker';
import {
  departureChoicesPreview,
  departurePreview,
  previewedRows,
  usersDeactivate,
  usersDelete,
  usersOverview,
  usersReactivate,
  usersRemove,
  type CallOf,
  type ChoicesPreview,
  type CountedRow,
  type Departure,
  type DeparturePreview,
  type Page,
  type Principal,
  type UserOverview,
} from '#libs/contracts';
import { actorOf } from '../audit/audit.js';
import { Occurrences } from '../audit/occurrences.js';
import { DepartureCommands } from './decide/departure-commands.js';
import { ReactivationCommands, type PreparedReturn } from './decide/reactivation-commands.js';
import type { Prepared } from './plan/preflight.js';
import { DeparturePreviews } from './plan/preview/departure-preview.js';
import { Overviews } from './plan/preview/overviews.js';
import { ReturnPreviews } from './plan/preview/return-preview.js';
import { RowsBehindCounts } from './plan/preview/rows-behind-counts.js';

/** Calls about a user who is to leave or to return. */
@Controller()
export class LeaverController {
  constructor(
    private readonly commands: DepartureCommands,
    private readonly reactivations: ReactivationCommands,
    private readonly previews: DeparturePreviews,
    private readonly returns: ReturnPreviews,
    private readonly overviews: Overviews,
    private readonly rows: RowsBehindCounts,
    private readonly occurrences: Occurrences,
  ) {}

  @Handles(departurePreview)
  async preview({ principal, params, query }: CallOf<typeof departurePreview>): Promise<DeparturePreview> {
    const preview = await this.previews.preview(principal, params.id!, query.transition);
    this.recordRead(principal, params.id!, 'preview.read');
    return preview;
  }

  @Handles(departureChoicesPreview, { transaction: false })
  async previewChoices({ principal, params, body }: CallOf<typeof departureChoicesPreview>): Promise<ChoicesPreview> {
    const previews = body.transition === 'reactivated' ? this.returns : this.previews;
    const preview = await previews.ofChoices(principal, params.id!, body);
    this.recordRead(principal, params.id!, 'preview.read');
    return preview;
  }

  @Handles(previewedRows)
  async previewRows({ principal, params, query }: CallOf<typeof previewedRows>): Promise<Page<CountedRow>> {
    const page = await this.rows.ofPreview(principal, params.id!, query);
    this.recordRead(principal, params.id!, 'preview.read');
    return page;
  }

  @Handles(usersOverview)
  async overview({ principal, params }: CallOf<typeof usersOverview>): Promise<UserOverview> {
    const overview = await this.overviews.of(principal.accountId, params.id!);
    this.recordRead(principal, params.id!, 'overview.read');
    return overview;
  }

  @Prepares(usersDeactivate)
  prepareDeactivation({ principal, params, body }: CallOf<typeof usersDeactivate>): Promise<Prepared> {
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
  prepareDeletion({ principal, params, body }: CallOf<typeof usersDelete>): Promise<Prepared> {
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
  prepareRemoval({ principal, params }: CallOf<typeof usersRemove>): Promise<Prepared> {
    return this.commands.prepare(principal, params.id!, 'deleted', {});
  }

  @Handles(usersRemove)
  remove(
    { principal, params }: CallOf<typeof usersRemove>,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    return this.commands.decide(principal, params.id!, 'deleted', {}, prepared);
  }

  @Prepares(usersReactivate)
  prepareReactivation({ principal, params, body }: CallOf<typeof usersReactivate>): Promise<PreparedReturn> {
    return this.reactivations.prepare(principal, params.id!, body);
  }

  @Handles(usersReactivate)
  reactivate(
    { principal, params, body }: CallOf<typeof usersReactivate>,
    prepared: PreparedReturn,
  ): Promise<Departure | PrepareAgain> {
    return this.reactivations.reactivate(principal, params.id!, body, prepared);
  }

  private recordRead(principal: Principal, subjectId: string, action: string): void {
    if (principal.userId === subjectId) return;
    const { accountId } = principal;
    this.occurrences.record({ accountId, action, ...actorOf(principal), subjectId });
  }
}
