import { useQuery } from '@tanstack/react-query';
import { useTitle } from '../../app/use-title';
import { useIsManager } from '../../app/shell/use-session';
import { people as texts } from '../../texts/people';
import { LeavingTable } from './leaving-table';
import { PeopleTable } from './people-table';
import { peopleRoute } from './search';
import { Seats } from './seats';
import { Tabs } from './tabs';
import { Toolbar } from './toolbar';
import { countsQuery } from './queries';
import './people.css';

/** Who works here, who is leaving, and who has left. */
export function PeopleScreen() {
  useTitle(texts.title);
  const search = peopleRoute.useSearch();
  const isManager = useIsManager();
  const { data: counts } = useQuery({ ...countsQuery, enabled: isManager });
  const tab = search.tab ?? 'active';
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{texts.title}</h1>
          <p className="sub">{texts.about}</p>
        </div>
        <Seats />
      </div>
      <Tabs counts={counts} />
      <Toolbar search={search} />
      {tab === 'leaving' ? <LeavingTable q={search.q} /> : <PeopleTable tab={tab} search={search} />}
    </>
  );
}
