import { Flag, Id, ListOf, Moment, Nested, OneOf, Pattern, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation } from '../operation.js';
import { LEAVING_TRANSITIONS, type LeavingTransition } from '../policy.js';
import { MANAGERS, ROLES, type Role } from '../principal.js';
import { UncountedService } from './departure-previews.js';
import { User } from './user.js';

const USER_FILTERS = ['active', 'deactivated', 'deleted', 'all'] as const;
const USER_SORTS = ['name', '-name', 'status', '-status', 'day', '-day'] as const;

export class UserQuery extends ListQuery {
  @OneOf(USER_FILTERS, {
    optional: true,
    about: 'Default: `active`, which includes invited users; with `left`, both that have left.',
  })
  status?: (typeof USER_FILTERS)[number];

  @Text({ optional: true, about: 'Part of the name, the email or the staff id.' })
  q?: string;

  @OneOf(ROLES, { optional: true })
  role?: Role;

  @Flag({ optional: true, about: 'Only users who have not accepted their invitation yet, or only the others.' })
  invited?: boolean;

  @Flag({ optional: true, about: 'Only users who are suspended, or who are not. For owners and admins.' })
  suspended?: boolean;

  @Pattern(/^[1-9]\d{0,3}d$/, 'a number of days, like `30d`', {
    optional: true,
    about: 'Only users who are scheduled to leave within so many days, each with `leaving`. For owners and admins.',
  })
  leavingWithin?: string;

  @Flag({ optional: true, about: 'Only users who have left, deactivated or deleted, or only the others.' })
  left?: boolean;

  @Flag({
    optional: true,
    about:
      'With `left=true`: only users who still own or are assigned rows in some service, each with `holding`. The services ' +
      'count them for each page, so a page can have fewer items than `limit`, also none: go on while there is a ' +
      '`nextCursor`. For owners and admins.',
  })
  holds?: boolean;

  @OneOf(USER_SORTS, {
    optional: true,
    about:
      'Default: newest first. `day` is the day of leaving, with `leavingWithin` or `left=true`. Deleted users have no name ' +
      'and come after the others. A cursor belongs to one order.',
  })
  sort?: (typeof USER_SORTS)[number];
}

/** The next scheduled departure of a user. */
export class ScheduledLeaving {
  @Id() departureId: string;
  @OneOf(LEAVING_TRANSITIONS) transition: LeavingTransition;
  @Moment() effectiveAt: string;
}

export class HeldRows {
  @Text() service: string;
  @Whole({ min: 1 }) rows: number;
}

/** Rows of a user who has left. */
export class Holding {
  @Whole({
    min: 1,
    about: 'Rows of all rules that could take them away. A row that two rules are about counts for each of them.',
  })
  rows: number;
  @ListOf(() => HeldRows, { about: 'By service, without those in which the user holds nothing.' }) services: HeldRows[];
  @Moment({ about: 'When the services counted: during this request.' }) countedAt: string;
}

/** A user, with what the filters of the list are about. */
export class ListedUser extends User {
  @Nested(() => ScheduledLeaving, { optional: true, about: 'With `leavingWithin`.' }) leaving?: ScheduledLeaving;
  @Nested(() => Holding, { optional: true, about: 'With `holds=true`.' }) holding?: Holding;
}

export class UserPage {
  @ListOf(() => ListedUser, { max: 200 }) items: ListedUser[];
  @Text({ nullable: true, max: 500 }) nextCursor: string | null;
  @ListOf(() => UncountedService, {
    optional: true,
    about: 'With `holds=true`: services that did not count. Users who hold rows only there are missing on this page.',
  })
  uncounted?: UncountedService[];
}

export const usersList = operation<UserPage, NoBody, UserQuery>({
  service: 'identity',
  id: 'users.list',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/users',
  summary: 'List users',
  query: UserQuery,
  answer: UserPage,
  errors: ['forbidden'],
  timeout: 30_000,
});

/** How many users an account has. */
export class UserCounts {
  @Whole({ about: 'Users who can sign in, suspended ones among them.' }) active: number;
  @Whole({ about: 'Users who have not accepted their invitation yet.' }) invited: number;
  @Whole({ about: 'Departures that are scheduled, returns among them, or wait for approval.' }) leaving: number;
  @Whole() deactivated: number;
  @Whole() deleted: number;
}

export const usersCount = operation<UserCounts>({
  service: 'identity',
  id: 'users.count',
  method: 'GET',
  access: MANAGERS,
  path: '/v1/users/counts',
  summary: 'Count the users by status, and those who are leaving',
  answer: UserCounts,
});
