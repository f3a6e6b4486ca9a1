-- The rules that name a customer's segment from the R, F and M scores; the first that fits wins.
-- The
-- shop's own rules, where it has made any, replace the rules of the house below, all together.
-- grain: one row per rule
-- parameters: $new_customer_days, greatest age in days of a first order that counts as new
with
    house as (
        select
            rule.priority,
            rule.segment,
            rule.r_min,
            rule.r_max,
            rule.f_min,
            rule.f_max,
            rule.m_min,
            rule.m_max,
            case when rule.is_new_only then $new_customer_days end as max_age_days,
            rule.description,
        from
            (
                values
                    (1, 'Champions', 4, 5, 4, 5, 4, 5, false, 'bought lately, often, and for much'),
                    (2, 'Loyal', 3, 5, 4, 5, 1, 5, false, 'buy often and not long ago'),
                    (3, 'Big spenders', 3, 5, 1, 3, 5, 5, false, 'few orders, much money'),
                    (4, 'New', 4, 5, 1, 1, 1, 5, true, 'first order a short while ago'),
                    (5, 'Promising', 3, 5, 1, 2, 1, 5, false, 'recent, with few orders so far'),
                    (
                        6,
                        'Potential loyalist',
                        3,
                        5,
                        3,
                        3,
                        1,
                        5,
                        false,
                        'recent, and about to become regular'
                    ),
                    (
                        7,
                        'Cannot lose',
                        1,
                        2,
                        4,
                        5,
                        4,
                        5,
                        false,
                        'were among the best and have gone quiet'
                    ),
                    (
                        8,
                        'At risk',
                        1,
                        2,
                        3,
                        5,
                        1,
                        5,
                        false,
                        'used to buy often and have gone quiet'
                    ),
                    (9, 'About to sleep', 2, 2, 1, 2, 1, 5, false, 'few orders, some time ago'),
                    (10, 'Hibernating', 1, 1, 1, 5, 1, 5, false, 'few orders, long ago')
            ) as rule(
                priority,
                segment,
                r_min,
                r_max,
                f_min,
                f_max,
                m_min,
                m_max,
                is_new_only,
                description
            )
    ),

    rules as (
        select
            priority,
            segment,
            r_min,
            r_max,
            f_min,
            f_max,
            m_min,
            m_max,
            max_age_days,
            description,
            true as is_own,
        from settings.segment_rules
        union all
        select
            priority,
            segment,
            r_min,
            r_max,
            f_min,
            f_max,
            m_min,
            m_max,
            max_age_days,
            description,
            false as is_own,
        from house
        where (select count(*) from settings.segment_rules) = 0
    )
select
    priority,  -- the first that fits wins
    segment,
    r_min,
    r_max,
    f_min,
    f_max,
    m_min,
    m_max,
    max_age_days,  -- since the first order; NULL is any
    description,
    is_own,  -- made by the shop
    case
        when r_min >= 4 and f_min >= 4
        then 'best'
        when r_min >= 3 and (f_min >= 4 or m_min = 5)
        then 'good'
        when r_min >= 3
        then 'recent'
        when r_max <= 2 and f_min >= 4 and m_min >= 4
        then 'best, silent'
        when r_max <= 2 and f_min >= 3
        then 'regular, silent'
        when r_max = 1
        then 'gone'
        when r_max <= 2
        then 'silent'
        else 'mixed'
    end as standing,  -- what the bounds say about its customers, whatever its name
from rules
order by priority
