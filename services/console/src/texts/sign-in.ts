import { textsOf } from './language';
import { plural } from './numbers';

export const signIn = textsOf({
  title: 'Sign in',
  email: 'Email',
  password: 'Password',
  show: 'Show',
  hide: 'Hide',
  submit: 'Sign in',
  busy: 'Signing in…',
  invited: 'Invited? Open the link in your invitation.',
  missingEmail: 'Enter your email address.',
  missingPassword: 'Enter your password.',
  wrong: 'Email and password don’t match. Nothing is locked; try again.',
  inactive:
    'This user has been deactivated and cannot sign in. Ask an owner or admin of your account to reactivate you.',
  several: 'Several accounts have a user with this email and password. Enter the id of yours; an admin can tell you.',
  accountId: 'Account id',
  limited: (seconds: number) =>
    `Too many attempts. Your user is not locked: try again in ${plural(seconds, '# second', '# seconds')}.`,
  demo: 'Demo accounts',
  demoAbout: 'Only offered where Leaver runs on your own machine. One click signs you in as the owner.',
  presets: { crm: 'CRM', texting: 'Texting', helpdesk: 'Help desk', calls: 'Calls' },
});
