import { Injectable } from '@nestjs/common';
import {
  isManager,
  Problem,
  type ListedUser,
  type Principal,
  type UncountedService,
  type UserPage,
  type UserQuery,
} from '#libs/contracts';
import { Clock, encodeCursor, toSortedPage } from '#libs/database';
import { isoOf } from '../common/moments.js';
import { UserRows } from '../user/user-rows.js';
import { toUser } from '../user/user-view.js';
import { Holdings } from './holdings.js';
import { UserPlaces, type UserPlace } from './user-places.js';

/** Users whom one question to the services is about. */
const ASKED_ABOUT = 200;
/** Questions for one page. After them, the page ends, however few have been found. */
const MAX_QUESTIONS = 5;

/** Filters by what only managers see. */
const OF_MANAGERS = ['suspended', 'leavingWithin', 'holds'] as const;

/** Lists the users of an account. */
@Injectable()
export class UserList {
  constructor(
    private readonly places: UserPlaces,
    private readonly rows: UserRows,
    private readonly holdings: Holdings,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `forbidden`, `validation`, `invalid-cursor` */
  async page(viewer: Principal, query: UserQuery): Promise<UserPage> {
    checkFilters(viewer, query);
    if (query.holds) return this.holders(viewer, query);
    const places = await this.places.find(viewer.accountId, query, (query.limit ?? 50) + 1);
    return toSortedPage(places, query, await this.views(viewer, places));
  }

  /** Users who have left and hold rows. Candidates are tried in the order of the list, until the page is full. */
  private async holders(viewer: Principal, { limit = 50, ...query }: UserQuery): Promise<UserPage> {
    const items: ListedUser[] = [];
    const uncounted = new Map<string, UncountedService>();
    let cursor = query.cursor;
    for (let asked = 0; asked < MAX_QUESTIONS; asked++) {
      const candidates = await this.places.find(viewer.accountId, { ...query, cursor }, ASKED_ABOUT + 1);
      const tried = candidates.slice(0, ASKED_ABOUT);
      const counted = await this.holdings.of(
        viewer.accountId,
        tried.map(({ id }) => id),
      );
      for (const one of counted.uncounted) uncounted.set(one.service, one);
      const holders = tried.filter(({ id }) => counted.holdings.has(id));
      const taken = holders.slice(0, limit - items.length);
      for (const view of await this.views(viewer, taken))
        items.push({ ...view, holding: counted.holdings.get(view.id)! });
      const isFull = items.length === limit;
      const last = isFull ? taken.at(-1) : tried.at(-1);
      const isEnd = candidates.length <= ASKED_ABOUT && last?.id === tried.at(-1)?.id;
      cursor = isEnd || !last ? undefined : encodeCursor(last.position);
      if (isFull || cursor === undefined) break;
    }
    return { items, nextCursor: cursor ?? null, ...(uncounted.size > 0 && { uncounted: [...uncounted.values()] }) };
  }

  private async views(viewer: Principal, places: readonly UserPlace[]): Promise<ListedUser[]> {
    const rows = await this.rows.ofAccount(
      viewer.accountId,
      places.map(({ id }) => id),
    );
    const now = this.clock.now();
    return places.map((place) => ({ ...toUser(rows.get(place.id)!, viewer, now), ...leavingOf(place) }));
  }
}

const leavingOf = ({ departure_id: departureId, transition, effective_at }: UserPlace): Pick<ListedUser, 'leaving'> =>
  departureId && transition && effective_at
    ? { leaving: { departureId, transition, effectiveAt: isoOf(effective_at) } }
    : {};

/** @throws Problem `forbidden`; `validation` */
function checkFilters(viewer: Principal, query: UserQuery): void {
  const hidden = OF_MANAGERS.find((filter) => query[filter] !== undefined);
  if (hidden && !isManager(viewer))
    throw new Problem('forbidden', { detail: `Only owners and admins can filter by ${hidden}.` });
  if (query.holds && query.left !== true)
    throw new Problem('validation', { errors: [{ field: 'holds', message: 'holds needs left=true' }] });
}
