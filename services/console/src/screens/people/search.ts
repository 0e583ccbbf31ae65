import { getRouteApi } from '@tanstack/react-router';

export const TABS = ['active', 'invited', 'leaving', 'left', 'deleted'] as const;
export type Tab = (typeof TABS)[number];
export const ROLES = ['owner', 'admin', 'agent'] as const;
export const SORTS = ['name', 'newest'] as const;

/** What the list shows, as it stands in the address. The defaults do not stand there. */
export interface PeopleSearch {
  tab?: Tab;
  q?: string;
  role?: (typeof ROLES)[number];
  sort?: (typeof SORTS)[number];
}

/** The route, for the parts of the screen: the route itself imports them. */
export const peopleRoute = getRouteApi('/shell/people');
