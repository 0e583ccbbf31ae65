import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { accountQuery } from '../../api/session';
import { Icon } from '../../components/icon';
import { Avatar, PersonName } from '../../components/person-name';
import { app } from '../../texts/app';
import { AccountMenu } from './account-menu';
import { openPalette } from '../overlays/keys';
import { KeysAndPalette } from '../overlays/keys-and-palette';
import { Navigation } from './navigation-list';
import { SessionEnded } from './session-ended';
import { useSession } from './use-session';

/** Navigation, account and keys around the screens. */
export function Shell() {
  const { data: account } = useQuery(accountQuery);
  const { user } = useSession();
  const role = user.roles.includes('owner') ? 'owner' : user.roles.includes('admin') ? 'admin' : 'agent';
  return (
    <>
      <a className="skip" href="#content">
        {app.skip}
      </a>
      <div className="shell">
        <TopBar account={account?.name ?? ''} />
        <header className="side">
          <div className="stack">
            <Brand />
            <p className="account-name">{account?.name ?? '\u00a0'}</p>
          </div>
          <button className="jump" type="button" onClick={openPalette}>
            <Icon name="search" />
            {app.find}
            <kbd>Ctrl K</kbd>
          </button>
          <Navigation />
          <details className="who">
            <summary>
              <Avatar name={user.name} />
              <span className="who-name">
                <PersonName>{user.name}</PersonName>
                <small>{app.roles[role]}</small>
              </span>
              <Icon name="updown" />
            </summary>
            <AccountMenu />
          </details>
        </header>
        <Content />
      </div>
      <KeysAndPalette />
      <SessionEnded />
    </>
  );
}

function Brand() {
  return (
    <Link className="brand" to="/people">
      <Icon name="brand" />
      Leaver
    </Link>
  );
}

/** Narrow pages show the navigation in a menu. */
function TopBar({ account }: { account: string }) {
  const details = useRef<HTMLDetailsElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => details.current?.removeAttribute('open'), [path]);
  return (
    <header className="topbar">
      <details ref={details}>
        <summary>
          <span className="brand">
            <Icon name="brand" />
            Leaver
          </span>
          <span className="account-name">{account}</span>
          <span className="sr">{app.menu}</span>
          <Icon name="menu" />
        </summary>
        <Navigation />
        <AccountMenu />
      </details>
    </header>
  );
}

/** The focus goes to the content of a new page, so that a screen reader begins there. */
function Content() {
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current && path !== before.current) main.current?.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
  return (
    <main className="main" id="content" tabIndex={-1} ref={main}>
      <Outlet />
    </main>
  );
}
