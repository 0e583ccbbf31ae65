import { Link } from '@tanstack/react-router';
import { Icon } from '../../components/icon';
import { app } from '../../texts/app';
import { DESTINATIONS } from './navigation';
import { useIsManager } from './use-session';

export function Navigation() {
  const isManager = useIsManager();
  return (
    <nav className="nav" aria-label={app.main}>
      <ul>
        {DESTINATIONS.filter(({ forManagers }) => isManager || !forManagers).map(({ to, icon, text }) => (
          <li key={to}>
            <Link to={to} activeProps={{ 'aria-current': 'page' }}>
              <Icon name={icon} />
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
