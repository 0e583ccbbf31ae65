import { useMutation } from '@tanstack/react-query';
import { signOut } from '../../api/session';
import { Icon } from '../../components/icon';
import { toast } from '../../components/toast';
import { app } from '../../texts/app';
import { chooseTheme, THEMES, useTheme } from '../theme';

/** The theme, and signing out. */
export function AccountMenu() {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const leave = useMutation({
    mutationFn: signOut,
    // A new page: nothing of the session stays in memory.
    onSuccess: () => window.location.assign('/sign-in'),
    onError: () => toast(app.signOutFailed, 'stop'),
  });
  return (
    <ul className="account-menu">
      <li>
        <button type="button" onClick={() => chooseTheme(next)}>
          <Icon name="theme" />
          {app.theme[theme]}
        </button>
      </li>
      <li>
        <button type="button" onClick={() => leave.mutate()}>
          <Icon name="leave" />
          {app.signOut}
        </button>
      </li>
    </ul>
  );
}
