/**
 * Words that the seed data is made of, in English and Bulgarian.
 */

/**
 * The same in English and in Bulgarian.
 *
 * @category models
 * @since 0.1.0
 */
export type Pair = readonly [en: string, bg: string]

type Pairs = readonly [Pair, ...Array<Pair>]
type Coded = ReadonlyArray<readonly [code: string, en: string, bg: string]>

/**
 * The logins of the instance's users.
 *
 * @category testing
 * @since 0.1.0
 */
export const logins: readonly [string, ...Array<string>] = [
  "admin",
  "svc.integration",
  "maria.p",
  "ivan.d",
  "elena.s",
  "georgi.k"
]

/**
 * First names of men.
 *
 * @category testing
 * @since 0.1.0
 */
export const maleNames: Pairs = [
  ["Ivan", "Иван"],
  ["Georgi", "Георги"],
  ["Dimitar", "Димитър"],
  ["Nikola", "Никола"],
  ["Petar", "Петър"],
  ["Stoyan", "Стоян"],
  ["Hristo", "Христо"],
  ["Vasil", "Васил"],
  ["Kiril", "Кирил"],
  ["Plamen", "Пламен"]
]

/**
 * First names of women.
 *
 * @category testing
 * @since 0.1.0
 */
export const femaleNames: Pairs = [
  ["Maria", "Мария"],
  ["Elena", "Елена"],
  ["Desislava", "Десислава"],
  ["Ralitsa", "Ралица"],
  ["Yana", "Яна"],
  ["Tsvetelina", "Цветелина"],
  ["Snezhana", "Снежана"],
  ["Gergana", "Гергана"],
  ["Boyana", "Бояна"],
  ["Zhivka", "Живка"]
]

/**
 * Family names of men.
 *
 * @category testing
 * @since 0.1.0
 */
export const maleFamilies: Pairs = [
  ["Petrov", "Петров"],
  ["Dimitrov", "Димитров"],
  ["Todorov", "Тодоров"],
  ["Angelov", "Ангелов"],
  ["Yordanov", "Йорданов"],
  ["Mihaylov", "Михайлов"],
  ["Kolev", "Колев"],
  ["Stefanov", "Стефанов"],
  ["O'Neil", "О'Нийл"],
  ["Zhelev", "Желев"]
]

/**
 * Family names of women.
 *
 * @category testing
 * @since 0.1.0
 */
export const femaleFamilies: Pairs = [
  ["Petrova", "Петрова"],
  ["Dimitrova", "Димитрова"],
  ["Todorova", "Тодорова"],
  ["Angelova", "Ангелова"],
  ["Yordanova", "Йорданова"],
  ["Mihaylova", "Михайлова"],
  ["Koleva", "Колева"],
  ["Stefanova", "Стефанова"],
  ["D'Arcy", "Д'Арси"],
  ["Zheleva", "Желева"]
]

/**
 * First words of company names.
 *
 * @category testing
 * @since 0.1.0
 */
export const companyNames: Pairs = [
  ["Balkan", "Балкан"],
  ["Rila", "Рила"],
  ["Danube", "Дунав"],
  ["Pirin", "Пирин"],
  ["Thracia", "Тракия"],
  ["Vitosha", "Витоша"],
  ["Black Sea", "Черно море"],
  ["Rose Valley", "Розова долина"],
  ["Orpheus", "Орфей"],
  ["Maritsa", "Марица"],
  ["Iskar", "Искър"],
  ["Sredna Gora", "Средна гора"],
  ["Strandzha", "Странджа"],
  ["North Star", "Северна звезда"]
]

/**
 * Second words of company names.
 *
 * @category testing
 * @since 0.1.0
 */
export const branches: Pairs = [
  ["Trade", "Трейд"],
  ["Foods", "Храни"],
  ["Logistics", "Логистика"],
  ["Furniture", "Мебели"],
  ["Electronics", "Електроника"],
  ["Textile", "Текстил"],
  ["Build", "Строй"],
  ["Pharma", "Фарма"],
  ["Books", "Книги"],
  ["Garden", "Градина"]
]

/**
 * Legal forms.
 *
 * @category testing
 * @since 0.1.0
 */
export const companyForms: Pairs = [
  ["Ltd.", "ООД"],
  ["Ltd.", "ЕООД"],
  ["JSC", "АД"],
  ["& Co.", "и сие"]
]

/**
 * Cities.
 *
 * @category testing
 * @since 0.1.0
 */
export const cities: Pairs = [
  ["Sofia", "София"],
  ["Plovdiv", "Пловдив"],
  ["Varna", "Варна"],
  ["Burgas", "Бургас"],
  ["Ruse", "Русе"],
  ["Stara Zagora", "Стара Загора"],
  ["Pleven", "Плевен"],
  ["Sliven", "Сливен"],
  ["Veliko Tarnovo", "Велико Търново"]
]

/**
 * Streets and squares.
 *
 * @category testing
 * @since 0.1.0
 */
export const streets: Pairs = [
  ["Vasil Levski Blvd.", "бул. Васил Левски"],
  ["Hristo Botev Str.", "ул. Христо Ботев"],
  ["Ivan Vazov Str.", "ул. Иван Вазов"],
  ["Tsar Simeon Str.", "ул. Цар Симеон"],
  ["Osvobozhdenie Sq.", "пл. Освобождение"]
]

/**
 * Currency signs and names.
 *
 * @category testing
 * @since 0.1.0
 */
export const currencies: ReadonlyArray<readonly [sign: string, name: string]> = [
  ["EUR", "Euro"],
  ["BGN", "Bulgarian Lev"],
  ["USD", "US Dollar"],
  ["GBP", "Pound Sterling"],
  ["CHF", "Swiss Franc"]
]

/**
 * Countries.
 *
 * @category testing
 * @since 0.1.0
 */
export const countries: Coded = [
  ["BG", "Bulgaria", "България"],
  ["DE", "Germany", "Германия"],
  ["GR", "Greece", "Гърция"],
  ["RO", "Romania", "Румъния"],
  ["IT", "Italy", "Италия"],
  ["CN", "China", "Китай"]
]

/**
 * Customer types.
 *
 * @category testing
 * @since 0.1.0
 */
export const customerTypes: Coded = [
  ["RET", "Retail", "Търговия на дребно"],
  ["WHS", "Wholesale", "Търговия на едро"],
  ["PUB", "Public sector", "Публичен сектор"]
]

/**
 * Distribution channels.
 *
 * @category testing
 * @since 0.1.0
 */
export const channels: Coded = [
  ["SHOP", "Shops", "Магазини"],
  ["WEB", "Online", "Онлайн"],
  ["B2B", "Partners", "Партньори"]
]

/**
 * Payment types.
 *
 * @category testing
 * @since 0.1.0
 */
export const paymentTypes: Coded = [
  ["CASH", "Cash", "В брой"],
  ["BANK", "Bank transfer", "Банков превод"],
  ["CARD", "Card", "Карта"]
]

/**
 * Price lists.
 *
 * @category testing
 * @since 0.1.0
 */
export const priceLists: Coded = [
  ["STD", "Standard", "Стандартна"],
  ["PROMO", "Promotion", "Промоция"]
]

/**
 * Product types.
 *
 * @category testing
 * @since 0.1.0
 */
export const productTypes: Coded = [
  ["GOODS", "Goods", "Стоки"],
  ["SERV", "Services", "Услуги"]
]

/**
 * Document types of sales.
 *
 * @category testing
 * @since 0.1.0
 */
export const documentTypes: Coded = [
  ["SO", "Sales Order", "Продажба"],
  ["RSO", "Return Order", "Връщане"]
]

/**
 * Measurement categories with their units; the first unit is the default one.
 *
 * @category testing
 * @since 0.1.0
 */
export const unitCategories: ReadonlyArray<{
  readonly name: Pair
  readonly units: ReadonlyArray<{
    readonly code: string
    readonly name: Pair
    readonly multiplier: number
    readonly systemUnit: string | null
  }>
}> = [
  {
    name: ["Count", "Брой"],
    units: [
      { code: "PCS", name: ["Pieces", "Броя"], multiplier: 1, systemUnit: "Pieces" },
      { code: "BOX", name: ["Box", "Кашон"], multiplier: 12, systemUnit: null }
    ]
  },
  {
    name: ["Weight", "Тегло"],
    units: [
      { code: "KG", name: ["Kilogram", "Килограм"], multiplier: 1, systemUnit: "NetKilograms" },
      { code: "T", name: ["Tonne", "Тон"], multiplier: 1000, systemUnit: null }
    ]
  },
  { name: ["Time", "Време"], units: [{ code: "H", name: ["Hour", "Час"], multiplier: 1, systemUnit: "TimeHours" }] }
]

/**
 * Product groups with the products they may hold.
 *
 * @category testing
 * @since 0.1.0
 */
export const productGroups: ReadonlyArray<{
  readonly code: string
  readonly name: Pair
  readonly service: boolean
  readonly bulk: boolean
  readonly products: Pairs
}> = [
  {
    code: "OFF",
    name: ["Office supplies", "Офис материали"],
    service: false,
    bulk: false,
    products: [
      ["Stapler", "Телбод"],
      ["Ring binder", "Класьор"],
      ["Ballpoint pen", "Химикалка"],
      ["Copy paper A4", "Копирна хартия A4"]
    ]
  },
  {
    code: "FUR",
    name: ["Furniture", "Мебели"],
    service: false,
    bulk: false,
    products: [
      ["Desk", "Бюро"],
      ["Office chair", "Офис стол"],
      ["Bookcase", "Етажерка"],
      ['Cabinet 24" & lock', 'Шкаф 24" с ключ']
    ]
  },
  {
    code: "FOO",
    name: ["Food", "Храни"],
    service: false,
    bulk: true,
    products: [
      ["Apple", "Ябълка"],
      ["White cheese", "Сирене"],
      ["Rose honey", "Розов мед"],
      ["Paprika 100% pure", "Червен пипер 100%"]
    ]
  },
  {
    code: "SRV",
    name: ["Services", "Услуги"],
    service: true,
    bulk: false,
    products: [
      ["Delivery", "Доставка"],
      ["Installation", "Монтаж"],
      ["Customs Duties", "Мито"]
    ]
  }
]
