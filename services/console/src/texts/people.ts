import { textsOf } from './language';
import { number, plural } from './numbers';

export const people = textsOf({
  title: 'People',
  about: 'Who works here, who is leaving, and who has left.',
  tabs: {
    label: 'People by status',
    active: 'Active',
    invited: 'Invited',
    leaving: 'Leaving',
    left: 'Left',
    deleted: 'Deleted',
  },
  seats: {
    used: (used: number, total: number) => `${number(used)} of ${plural(total, '# seat', '# seats')} used`,
    free: (free: number) => `${number(free)} free`,
    meter: 'Seats used',
  },
  search: { label: 'Search by name, email or staff ID', hint: 'Name, email or staff ID', form: 'People' },
  role: { label: 'Role', any: 'Any role' },
  sort: { label: 'Order', name: 'By name', newest: 'Newest first', day: 'By day' },
  columns: {
    name: 'Name',
    staffId: 'Staff ID',
    role: 'Role',
    teams: 'Teams',
    notable: 'Worth knowing',
    what: 'What',
    when: 'When',
    left: 'Left',
    leave: 'Let go…',
  },
  leave: (name: string) => `Let go… ${name}`,
  caption: {
    active: 'Active people',
    invited: 'Invited people',
    leaving: 'People who are leaving',
    left: 'People who have left',
    deleted: 'Deleted people',
  },
  shown: (count: number) => plural(count, '# person', '# people'),
  shownSoFar: (count: number) => plural(count, '# person so far', '# people so far'),
  all: (count: number) => (count === 1 ? 'The only one' : `All ${number(count)} shown`),
  more: 'More are loaded as you scroll',
  zone: (zone: string) => `Times in ${zone}`,
  chips: { suspended: 'Suspended', hold: 'Legal hold', caretaker: 'Inbox has a caretaker', you: 'You' },
  transitions: { deactivated: 'Deactivation', deleted: 'Deletion', reactivated: 'Returns' },
  states: { scheduled: 'Scheduled', 'awaiting-approval': 'Awaits approval', onLeave: 'On leave' },
  empty: {
    active: { title: 'Nobody is active', about: 'People who can sign in would be here.' },
    invited: {
      title: 'Nobody is invited',
      about: 'People who have an invitation and have not accepted it yet would be here.',
    },
    leaving: {
      title: 'Nobody is leaving',
      about: 'People with a scheduled departure, one that awaits approval, or a day of return would be here.',
    },
    left: { title: 'Nobody has left', about: 'Deactivated people would be here. They can be reactivated or deleted.' },
    deleted: { title: 'Nobody is deleted', about: 'Deleted people would be here, without their names.' },
    search: {
      title: 'Nobody matches',
      about: 'Nobody in this list has that in their name, email or staff ID.',
      clear: 'Clear the filters',
    },
  },
  failed: 'The list could not be loaded.',
});
