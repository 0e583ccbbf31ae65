import { textsOf } from './language';
import { number, plural } from './numbers';

/** The frame around all screens. */
export const app = textsOf({
  title: (screen: string) => `${screen} · Leaver`,
  skip: 'Skip to content',
  main: 'Main',
  menu: 'Menu',
  find: 'Find or jump to',
  nav: { people: 'People' },
  roles: { owner: 'Owner', admin: 'Admin', agent: 'Agent' },
  account: 'Your account',
  signOut: 'Sign out',
  signOutFailed: 'You are still signed in: the server did not answer. Try again.',
  theme: { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' },
  keys: {
    title: 'Keys',
    palette: 'Find a person or jump to a page',
    search: 'Search on this page',
    help: 'Show this list',
    people: 'Go to People',
    close: 'Close',
  },
  palette: {
    title: 'Find or jump to',
    label: 'A person or a page',
    hint: 'A name, an email, a staff ID or a page',
    pages: 'Pages',
    people: 'People',
    nothing: 'Nothing found.',
    found: (count: number) => plural(count, '# result', '# results'),
  },
  offline: 'You are offline. What you see may be old; nothing that you choose now is sent.',
  sessionEnded: {
    title: 'Your session has ended',
    about: 'Sign in again to go on. What you have chosen on this page is still here.',
    email: 'Email',
    password: 'Password',
    submit: 'Sign in and go on',
    other: 'This is another user. The page starts again for them.',
  },
  broken: {
    title: 'This page stopped working',
    about:
      'Nothing was changed by that. Load the page again; if it happens twice, tell the people who run Leaver for you.',
    again: 'Load again',
  },
  missing: {
    title: 'There is no such page',
    about: 'The address is wrong, or what it was about is gone.',
    home: 'Go to People',
  },
  loading: 'Loading',
  retry: 'Try again',
  reference: (id: string) => `Reference ${id}`,
  problems: {
    offline:
      'The server cannot be reached. Nothing was changed as far as we know. Check your connection and try again.',
    'too-many-requests': (seconds: number) =>
      `Too many requests. Nothing was changed. Try again in ${plural(seconds, '# second', '# seconds')}.`,
    'service-unavailable': (service: string) =>
      `“${service}” does not answer at the moment. Nothing was changed. Try again in a minute.`,
    forbidden: 'You are not allowed to do this. Nothing was changed. An owner can do it or give you the role.',
    'not-found': 'This does not exist, or no longer.',
    internal: 'Something went wrong on our side. Look whether it has happened before you try again.',
  },
  seats: (used: number, total: number) => `${number(used)} of ${plural(total, '# seat', '# seats')} used`,
});
