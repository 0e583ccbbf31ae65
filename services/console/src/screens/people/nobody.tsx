import { Empty } from '../../components/empty';
import { people as texts } from '../../texts/people';
import { peopleRoute, type PeopleSearch, type Tab } from './search';

/** What would be in the list, or that the filters leave nothing of it. */
export function Nobody({ tab, search: { q, role } }: { tab: Tab; search: PeopleSearch }) {
  const navigate = peopleRoute.useNavigate();
  const isFiltered = q !== undefined || (role !== undefined && tab !== 'leaving');
  if (!isFiltered)
    return (
      <div role="status">
        <Empty title={texts.empty[tab].title}>{texts.empty[tab].about}</Empty>
      </div>
    );
  const clear = () => void navigate({ search: { tab: tab === 'active' ? undefined : tab }, replace: true });
  return (
    <div role="status">
      <Empty
        title={texts.empty.search.title}
        actions={
          <button className="btn" type="button" onClick={clear}>
            {texts.empty.search.clear}
          </button>
        }
      >
        {texts.empty.search.about}
      </Empty>
    </div>
  );
}
