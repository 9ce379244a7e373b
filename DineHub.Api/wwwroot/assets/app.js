// The start page: the directory at "#/", a restaurant's menu at "#/<slug>". All text comes from the API and is set as text.

const heading = document.getElementById('heading');
const main = document.querySelector('main');
const status = document.getElementById('status');
const view = document.getElementById('view');

/** An error whose message is shown to the user. */
class HttpError extends Error {}

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  made.append(...content);
  return made;
}

async function read(path, signal) {
  const response = await fetch(path, { headers: { Accept: 'application/json' }, signal });
  if (!response.ok) {
    const wait = response.headers.get('Retry-After');
    throw new HttpError(`The server answered ${response.status}.${wait ? ` Try again in ${wait} s.` : ''}`);
  }
  return response.json();
}

async function* restaurants(signal) {
  let cursor;
  do {
    const page = await read(`/api/v1/restaurants?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, signal);
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor);
}

/** Formats amounts in minor units of a currency: 1200 in EUR is 12.00 €. */
function moneyOf(currency) {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  const minorUnits = 10 ** format.resolvedOptions().maximumFractionDigits;
  return (amount) => format.format(amount / minorUnits);
}

function state(restaurant) {
  if (restaurant.acceptingOrders) {
    return element('p', 'good', 'Open');
  }
  if (restaurant.openNow) {
    return element('p', 'bad', 'Open, takes no orders now');
  }
  const opens = restaurant.nextOpening && new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZone: restaurant.timeZone, timeZoneName: 'short' })
    .format(new Date(restaurant.nextOpening));
  return element('p', 'bad', opens ? `Closed until ${opens}` : 'Closed');
}

function card(restaurant) {
  const link = element('a', '', restaurant.name);
  link.href = `#/${encodeURIComponent(restaurant.slug)}`;
  return element(
    'li', 'card',
    element('div', 'line', element('h2', '', link), state(restaurant)),
    element('p', '', restaurant.description),
    element('p', 'quiet', [restaurant.city, ...restaurant.cuisines].join(' · ')));
}

function item(one, money) {
  const dish = element('li', 'card', element('div', 'line', element('h3', '', one.name), element('p', '', money(one.price))));
  if (one.unavailable || one.stock === 'Out') {
    dish.append(element('p', 'bad', 'Not available now'));
  }
  if (one.description) {
    dish.append(element('p', '', one.description));
  }
  for (const group of one.modifierGroups) {
    const options = group.options
      .filter((option) => !option.unavailable)
      .map((option) => option.price ? `${option.name} (+${money(option.price)})` : option.name);
    dish.append(element('p', 'quiet', `${group.name}: ${options.join(', ')}`));
  }
  if (one.allergens.length) {
    dish.append(element('p', 'quiet', `Allergens: ${one.allergens.join(', ')}`));
  }
  if (one.dietary.length) {
    dish.append(element('p', 'quiet', one.dietary.join(', ')));
  }
  return dish;
}

async function directory(signal) {
  const list = element('ul', '');
  for await (const restaurant of restaurants(signal)) {
    list.append(card(restaurant));
  }
  return { title: 'Restaurants', content: list.hasChildNodes() ? [list] : [element('p', '', 'There are none yet.')] };
}

async function menu(slug, signal) {
  for await (const restaurant of restaurants(signal)) {
    if (restaurant.slug === slug) {
      const { categories, currency } = await read(`/api/v1/restaurants/${restaurant.id}/menu`, signal);
      const money = moneyOf(currency);
      const about = element(
        'div', '',
        state(restaurant),
        element('p', '', restaurant.description),
        element('p', 'quiet', [restaurant.address, restaurant.phone].filter(Boolean).join(' · ')));
      const sections = categories.map((category) => {
        const title = element('h2', '', category.name);
        title.id = `category-${category.id}`;
        const section = element('section', '', title, element('ul', '', ...category.items.map((one) => item(one, money))));
        section.setAttribute('aria-labelledby', title.id);
        return section;
      });
      const back = element('a', '', 'All restaurants');
      back.href = '#/';
      return { title: restaurant.name, content: [about, ...sections, element('p', '', back)] };
    }
  }
  throw new HttpError('There is no such restaurant.');
}

let shown = new AbortController();

async function show() {
  shown.abort();
  const current = shown = new AbortController();
  const first = !view.hasChildNodes();
  main.setAttribute('aria-busy', 'true');
  status.textContent = 'Loading …';
  let page;
  try {
    const slug = decodeURIComponent(location.hash.replace(/^#\/?/, ''));
    page = await (slug ? menu(slug, current.signal) : directory(current.signal));
    status.textContent = '';
  } catch (error) {
    if (current.signal.aborted) {
      return;
    }
    page = { title: 'Restaurants', content: [] };
    status.textContent = error instanceof HttpError ? error.message : 'The server cannot be reached. Try again.';
  }
  if (current.signal.aborted) {
    return;
  }
  heading.textContent = page.title;
  document.title = page.title === 'Restaurants' ? 'DineHub' : `${page.title} · DineHub`;
  view.replaceChildren(...page.content);
  main.setAttribute('aria-busy', 'false');
  if (!first) {
    // A new view is a new page to a screen reader: focus its heading.
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

addEventListener('hashchange', show);
show();
