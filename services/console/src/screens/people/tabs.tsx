import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useIsManager } from '../../app/shell/use-session';
import { number } from '../../texts/numbers';
import { people as texts } from '../../texts/people';
import { peopleRoute, TABS, type Tab } from './search';

/** Only owners and admins see departures. */
const FOR_MANAGERS: readonly Tab[] = ['leaving'];

export function Tabs({ counts }: { counts?: Readonly<Record<Tab, number>> }) {
  const isManager = useIsManager();
  const search = peopleRoute.useSearch();
  const tabs = useRef<HTMLElement>(null);
  // A phone shows some of the tabs.
  useEffect(() => {
    tabs.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [search.tab]);
  const shown = TABS.filter((tab) => isManager || !FOR_MANAGERS.includes(tab));
  return (
    <nav ref={tabs} className="tabs" aria-label={texts.tabs.label}>
      {shown.map((tab) => (
        <Link
          key={tab}
          to="/people"
          search={(before) => ({ ...before, tab: tab === 'active' ? undefined : tab })}
          activeOptions={{ exact: true, includeSearch: true }}
          resetScroll={false}
        >
          {texts.tabs[tab]}
          {isManager && <Count tab={tab} count={counts?.[tab]} />}
        </Link>
      ))}
    </nav>
  );
}

function Count({ tab, count }: { tab: Tab; count?: number }) {
  const isDue = tab === 'leaving' && (count ?? 0) > 0;
  return <span className={isDue ? 'count due' : 'count'}>{count === undefined ? '\u2007' : number(count)}</span>;
}
